"""Entry point of ``stgraph``: checks the arguments, runs the subcommand, and reports errors on one line."""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING

from stgraph.commands.arguments import COMMANDS, CONFIG_OF, parser_of
from stgraph.commands.console.output import escape_warnings, say
from stgraph.commands.console.quiet import set_quiet
from stgraph.errors import OptionError, StgraphError
from stgraph.files import NO_ROOM
from stgraph.processes import DelayedSignals, wait_passively
from stgraph.quiet import quieten, quieten_lightning

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

__all__ = ["main"]

OURS = ("--cfg", "-v", "--verbose", "-q", "--quiet")  # options handled here, not by the commands
AFTER_STOP = "run the same command again to go on."


def main(arguments: list[str] | None = None) -> int:
    """Runs one subcommand.

    Args:
        arguments: Command-line arguments; None reads ``sys.argv``.

    Returns:
        Exit status: 0 on success, 1 after a reported error, 2 for wrong usage, 128 plus the number of the signal that
        stopped it, which is 130 after Ctrl-C and 143 after SIGTERM.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    received: list[int] = []
    try:
        with _stop_signals(received):
            try:
                return _main(arguments)
            finally:  # also where argparse exits after --help
                sys.stdout.flush()
    except SystemExit:
        if not received:  # of argparse
            raise
        return _stopped(arguments, received, None)
    except KeyboardInterrupt as error:
        return _stopped(arguments, received, error)
    except Exception as error:
        interrupt = _interrupt_behind(error)
        if received or interrupt is not None:  # C code may put an error of its own in place of the interrupt
            _close_stdout()
            return _stopped(arguments, received, interrupt)
        if not isinstance(error, StgraphError | OSError):
            raise
        return _failed(arguments, error)


def _failed(arguments: list[str], error: StgraphError | OSError) -> int:
    """Reports an error on one line, and returns the exit status."""
    if not isinstance(error, BrokenPipeError):  # as after `stgraph ... | head`
        reason = str(error) if isinstance(error, StgraphError) else _reason(error)
        with suppress(OSError):
            say(f"stgraph {' '.join(arguments[:1])}: {reason}", error=True)
    _close_stdout()
    return 1


def _stopped(arguments: list[str], received: list[int], error: KeyboardInterrupt | None) -> int:
    """Says by which signal a command was stopped, and returns its exit status."""
    number = received[0] if received else signal.SIGINT
    advice = error.args[0] if error is not None and error.args else AFTER_STOP
    stopped = "interrupted" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"
    with suppress(OSError):  # a terminal that was closed
        say(f"\nstgraph {' '.join(arguments[:1])}: {stopped}; {advice}", error=True)
    return 128 + number


def _interrupt_behind(error: BaseException) -> KeyboardInterrupt | None:
    """The interrupt during which another exception was raised: argparse and others fail while they clean up."""
    found = error.__context__
    while found is not None and not isinstance(found, KeyboardInterrupt):
        found = found.__context__
    return found


class _Interrupt(KeyboardInterrupt):
    """Raised by the signals that stop a command."""


@contextmanager
def _stop_signals(received: list[int]) -> Iterator[None]:
    """Lets SIGTERM and SIGHUP end a command as Ctrl-C does, unless they are handled or ignored already.

    All three raise a subclass of KeyboardInterrupt. Once that class itself has passed through code that was made from a
    string, as in ``dataclasses``, Python ends with SIGINT, whatever status the command returns.

    Where Python can't pass the exception of a signal on, as in the callback of a weak reference, it drops it with a message;
    such a signal is sent again.

    Args:
        received: Receives the numbers of the signals.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise _Interrupt

    numbers = [
        getattr(signal, name, None) for name in ("SIGINT", "SIGTERM", "SIGHUP")
    ]  # Windows has no SIGHUP
    unhandled = (signal.SIG_DFL, signal.default_int_handler)
    main_thread = threading.current_thread() is threading.main_thread()
    ours = [each for each in numbers if main_thread and each and signal.getsignal(each) in unhandled]
    before = {number: signal.signal(number, stop) for number in ours}
    resent: list[threading.Timer] = []
    report = sys.unraisablehook

    def send_again(dropped: UnraisableHookArgs) -> None:
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            report(dropped)
            return
        number = received[-1] if received else signal.SIGINT
        resent.append(threading.Timer(0.01, os.kill, (os.getpid(), number)))
        resent[-1].daemon = True
        resent[-1].start()

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = report
        for timer in resent:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        say(_usage())
        return 0 if arguments else 2
    if arguments[0] in ("-V", "--version"):
        import stgraph

        say(stgraph.__version__)
        return 0
    name, *rest = arguments
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(COMMANDS)}."
        say(f"stgraph: there is no command '{name}'; {hint}", error=True)
        return 2
    return _run(name, rest)


def _run(name: str, rest: list[str]) -> int:
    wait_passively()
    from stgraph.commands.early_checks import check, composed

    if any(argument in ("-m", "--multirun") for argument in rest):
        raise OptionError(
            f"'stgraph {name}' has no multirun; run several seeds or rows with 'stgraph ablate seeds=...'."
        )
    parser = parser_of(name)
    chosen = parser.parse_args(rest) if name == "store" else parser.parse_intermixed_args(rest)
    if getattr(chosen, "cfg", False):
        from omegaconf import OmegaConf

        say(OmegaConf.to_yaml(composed(name, chosen, complete=False)), end="")
        return 0
    check(name, chosen)
    _choose_temporary_folder()
    rest = [argument for argument in rest if argument not in OURS]
    terminal = sys.stderr.isatty() and sys.stdout.isatty()
    set_quiet(chosen.quiet)
    if CONFIG_OF.get(name) == "train" and (chosen.quiet or not terminal):
        given = any("trainer.enable_progress_bar=" in argument for argument in rest)
        rest += [] if given else ["trainer.enable_progress_bar=false"]
    escape_warnings()
    if not chosen.verbose:
        quieten()
    command = importlib.import_module(f"stgraph.commands.{name}")
    if not chosen.verbose:
        quieten_lightning()
    return command.run(rest)


def _choose_temporary_folder() -> None:
    """Chooses it for the process: Python tries a folder with a file, which an interrupt before its removal would leave."""
    import tempfile

    with suppress(OSError), DelayedSignals():  # commands that need no such folder run without one
        tempfile.gettempdir()


def _reason(error: OSError) -> str:
    where = "standard output" if error.filename is None else str(error.filename)
    if error.errno in NO_ROOM:
        return f"No room left for {where}; free some space and run the same command again."
    reason = error.strerror or " ".join(str(error).split())
    return f"{where}: {reason}; check the path and its permissions." if error.filename else f"{reason}."


def _close_stdout() -> None:
    """Redirects stdout to the null device if it cannot be written, so that flushing it at exit raises no error."""
    try:
        sys.stdout.flush()
        return
    except OSError:
        pass
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # stdout is not a file
        sys.stdout = None  # type: ignore[assignment]


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    lines += [
        "",
        "'stgraph COMMAND --help' lists its arguments and settings, which are hydra overrides such as",
        "data=interactions_tiny seed=1. -V prints the version.",
    ]
    return "\n".join(["usage: stgraph COMMAND [arguments] [key=value ...]", "", *lines])


if __name__ == "__main__":
    sys.exit(main())
