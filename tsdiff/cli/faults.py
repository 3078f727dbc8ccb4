"""What a command says when it can't go on, and with which exit code it ends."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DATA, INTERRUPTED = 1, 130  # exit codes; 2, of usage, is argparse's own
_NOISE = (  # for developers, not for who runs a command
    DeprecationWarning,
    PendingDeprecationWarning,
    FutureWarning,
    ResourceWarning,
)


class UsageError(Exception):
    """Arguments that make no sense together."""


def guarded(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    """Run the command that was asked for; say in one line what stopped it.

    Parameters
    ----------
    parser : ArgumentParser
    arguments : Namespace
        With ``run``, the command.

    Returns
    -------
    int
        Exit code.
    """
    debug = getattr(arguments, "debug", False)
    try:
        with _notes():
            return arguments.run(arguments)
    except KeyboardInterrupt:
        say("stopped; no output was written.")
        return INTERRUPTED
    except UsageError as error:
        parser.error(str(error))
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DATA
    except Exception as error:
        if debug:
            raise
        say(f"error: {_one_line(error)}")
        return DATA


def say(text: str) -> None:
    """Write a line for people: to stderr, results have stdout for themselves."""
    print(f"tsdiff: {text}", file=sys.stderr, flush=True)


def teller(quiet: bool) -> Callable[[str], None]:
    """Return `say`, or what keeps quiet."""
    return (lambda _: None) if quiet else say


def _one_line(error: Exception) -> str:
    """Say what is wrong, for a fault of the data; hint at --debug for any other."""
    notes = getattr(error, "__notes__", [])
    text = " ".join(" ".join([str(error), *notes]).split())
    if isinstance(error, ValueError | TypeError | OSError | ModuleNotFoundError):
        return text
    kind = type(error).__name__
    return f"{kind}: {text}. Run it with --debug to see where."


@contextmanager
def _notes() -> Iterator[None]:
    """Show each warning once, in a line."""
    shown: set[str] = set()

    def show(message: Any, *_: Any, **__: Any) -> None:
        text = " ".join(str(message).split())
        if text not in shown:
            shown.add(text)
            say(f"note: {text}")

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for noise in _NOISE:
            warnings.simplefilter("ignore", noise)
        warnings.showwarning = show
        yield
