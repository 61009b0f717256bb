"""Does the ranking loss of STaTS order frames? Runs with it and without it, on videos that no run has seen."""
