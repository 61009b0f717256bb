"""YAML of the commands' settings, in hydra groups."""
