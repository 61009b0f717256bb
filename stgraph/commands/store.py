"""``stgraph store info|validate|merge|import``: looks into, checks, joins and imports feature stores."""

from __future__ import annotations

import argparse

from stgraph.commands.store_import import add_import, run_import
from stgraph.features.store import info, merge, validate

__all__ = ["run"]


def run(arguments: list[str]) -> int:
    """Runs one of the four; exit status 1 where ``validate`` finds problems, or ``import`` ids that don't match."""
    parser = argparse.ArgumentParser(
        prog="stgraph store", description="Looks into, checks, merges and imports feature stores."
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="info|validate|merge|import")
    for name, text in (
        ("info", "what a store holds"),
        ("validate", "what is wrong with a store, if anything"),
    ):
        actions.add_parser(name, help=text, description=text).add_argument(
            "path", help="a file or a folder of shards"
        )
    text = "write one store with the videos of several"
    joining = actions.add_parser("merge", help=text, description=text)
    joining.add_argument("target", help="the new store: one file if it ends in .h5, else a folder of shards")
    joining.add_argument("sources", nargs="+", metavar="source", help="stores to read")
    add_import(actions)
    chosen = parser.parse_args(arguments)
    if chosen.action == "info":
        print(info(chosen.path))
        return 0
    if chosen.action == "validate":
        problems = validate(chosen.path)
        print("\n".join(map(str, problems)) or f"{chosen.path}: nothing is wrong.")
        return 1 if problems else 0
    if chosen.action == "import":
        return run_import(chosen)
    print(info(merge(chosen.sources, chosen.target)))
    return 0
