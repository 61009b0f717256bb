"""The effect of STaTS' ranking loss on the order of frames: runs with it and without it, on validation and test videos."""
