"""One command a file: ``run(arguments) -> exit status``. The only modules that see a hydra configuration."""
