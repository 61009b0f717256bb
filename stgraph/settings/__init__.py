"""Hydra configurations: composed, checked, saved. Only commands and experiments import this package."""
