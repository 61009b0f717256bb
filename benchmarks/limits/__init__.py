"""Time and memory of refusing files that ask for too much, and of extracting the largest that are read."""
