"""Kills commands at random moments and compares what the same command makes of it afterwards: ``make killbench``."""
