"""Console output of the commands: progress lines, score tables and summaries."""
