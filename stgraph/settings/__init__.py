"""Composes, validates and saves hydra configurations. Only ``commands`` and ``experiments`` import this package."""
