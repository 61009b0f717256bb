"""The command ``stgraph``: finds the subcommand, turns errors into one line and an exit status."""

from __future__ import annotations

import importlib
import sys

from stgraph.commands.console.quiet import quieten, quieten_lightning
from stgraph.errors import StgraphError

__all__ = ["main"]

COMMANDS = {
    "demo": "generate videos, train on them, and show what comes out",
    "extract": "features of all videos of a folder, in one store",
    "train": "train a captioner",
    "evaluate": "score a trained captioner on a split",
    "compare": "what differs between two evaluated runs",
    "words": "which kinds of words evaluated models say",
    "caption": "describe videos of a store",
    "ablate": "rows x seeds of a table, with intervals",
    "store": "look into, check, merge and import feature stores",
    "doctor": "what is installed, what is missing, and what to do about it",
}


def main(arguments: list[str] | None = None) -> int:
    """Runs one subcommand. Exit status: 0 done, 1 an error that is named, 2 a wrong call, 130 stopped by Ctrl-C."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_usage())
        return 0 if arguments else 2
    if arguments[0] == "--version":
        import stgraph

        print(stgraph.__version__)
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(COMMANDS)}."
        print(f"stgraph: there is no command '{name}'; {hint}", file=sys.stderr)
        return 2
    quieten()
    try:
        command = importlib.import_module(f"stgraph.commands.{name}")
        quieten_lightning()
        return command.run(rest)
    except StgraphError as error:
        print(f"stgraph {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nstgraph {name}: stopped; what was whole is kept.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `stgraph ... | head`
        sys.stderr.close()
        return 1


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    lines += [
        "",
        "'stgraph COMMAND --help' says more. Settings are hydra overrides, such as data=interactions_tiny seed=1.",
    ]
    return "\n".join(["usage: stgraph COMMAND [arguments] [key=value ...]", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
