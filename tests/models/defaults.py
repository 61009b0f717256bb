"""Default arguments of a model's constructor, for comparison with the papers."""

from types import SimpleNamespace

from stgraph.models.arguments import constructor_arguments


def defaults_of(model):
    """The defaults by name."""
    return SimpleNamespace(**{name: p.default for name, p in constructor_arguments(model).items()})
