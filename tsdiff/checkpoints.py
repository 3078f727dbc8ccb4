"""Checkpoints: the state of a fit in a file, from which a later attempt goes on.

The file says whose fit it is: a digest of the data, all that the training depends on,
and the versions. Another fit is refused in words, never mixed with it or written over.
"""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tsdiff._version import __version__
from tsdiff.advice import advise
from tsdiff.atomic import remove_parts, write_whole
from tsdiff.diffusion.state import State
from tsdiff.memory import lacks_memory
from tsdiff.panel.frame import Panel
from tsdiff.parameters import check_count
from tsdiff.plain import digest_of, pack_parameters
from tsdiff.sealed import FAULTS, Tensors, seal, unseal

FORMAT = 1
_KIND = "Checkpoint"
_STEPS, _SECONDS = 100, 30.0  # whichever comes first
_MOST_TIME = 0.02  # of the fit that is spent on writing
_LONGEST = 200  # characters on a difference
# of what the identity holds digests, in words
_DIGESTS = {
    "data": "the data",
    "files": "the files",
    "warm_start": "the weights to go on from",
}


def identity(
    panel: Panel, plan: Any, seed: int, warm: Tensors | None
) -> dict[str, Any]:
    """Say which fit it is: all that its weights depend on.

    Parameters
    ----------
    panel : Panel
    plan : Plan
    seed : int
    warm : dict of str to Tensor, optional
        Weights that the fit goes on from.

    Returns
    -------
    dict
        As JSON holds it.
    """
    arrays = {
        name: torch.from_numpy(np.array(getattr(panel, name)))
        for name in ("values", "bounds", "elapsed", "calendar")
    }
    fields = asdict(plan)
    known = [*fields.pop("known")]
    return {
        "data": digest_of(arrays),
        "channels": list(panel.channels),
        **pack_parameters(fields),
        "known": known,
        "random_state": seed,
        "warm_start": None if warm is None else digest_of(warm),
        "tsdiff": __version__,
        "torch": str(torch.__version__),
    }


def check_alike(fits: Sequence[Mapping[str, Any]]) -> None:
    """Check that all ranks make the same fit.

    Parameters
    ----------
    fits : sequence of mapping
        See `identity`; of each rank.

    Raises
    ------
    ValueError
        If one differs from the first.

    Examples
    --------
    >>> check_alike([{"torch": "2.13"}, {"torch": "2.13"}])
    """
    for rank, fit in enumerate(fits):
        said = [
            _differs(name, value, fit.get(name), ("on rank 0", f"on rank {rank}"))
            for name, value in fits[0].items()
            if fit.get(name) != value
        ]
        if said:
            raise ValueError(
                f"Rank {rank} makes another fit than rank 0: it differs in "
                f"{', '.join(said)}. Give all ranks the same data, parameters and "
                "versions; each takes its part of every batch by itself."
            )


class Checkpoint:
    """The file of one fit.

    It is written before the first step, so that a folder that can't be written is
    known at once; then every 100 steps or 30 seconds, at most a fiftieth of the time;
    and at the end. A write that fails on the way is a warning: the file of before
    stays, and training goes on.

    Parameters
    ----------
    path : str or Path
    identity : mapping
        See `identity`.

    Attributes
    ----------
    batch_size : int or None
        Of this attempt, or that which an earlier one has come down to where memory did
        not suffice; None if it is left to the data.

    Raises
    ------
    ValueError
        If the file is damaged, no checkpoint, of a newer format or of another fit.
    """

    def __init__(self, path: str | os.PathLike[str], identity: Mapping[str, Any]):
        self.path = Path(os.path.realpath(path))
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))
        self.earlier: State | None = None
        self.done = self.warned = False
        self.seen = _mark(self.path)
        self.batch_size = self._read() if self.seen else None
        self.begin(self.batch_size)

    def begin(self, batch_size: int | None) -> None:
        """Begin an attempt; one with another batch size begins anew.

        Parameters
        ----------
        batch_size : int or None
            None if it is left to the data.
        """
        if batch_size != self.batch_size:
            self.batch_size, self.earlier, self.done = batch_size, None, False
        self.step = -1  # of the last one written; none yet
        self.written = self.cost = 0.0

    def resume(self, restore: Callable[[State], None]) -> bool:
        """Hand the state of an earlier attempt to `restore`; False without any.

        Raises
        ------
        ValueError
            If the file is forged.
        """
        if self.earlier is None:
            return False
        try:
            restore(self.earlier)
        except FAULTS as error:
            if lacks_memory(error):
                raise
            raise self._forged(error) from error
        self.earlier = None
        return True

    def offer(self, step: int, state: Callable[[], State], last: bool = False) -> None:
        """Keep the state after a step, if it is time or the `last` one.

        Raises
        ------
        OSError
            If the file can't be written, at the first time.
        """
        first, now = self.step < 0, time.perf_counter()
        waited = now - self.written
        due = step - self.step >= _STEPS or waited >= _SECONDS
        due = due and waited * _MOST_TIME >= self.cost
        if self.done or not (first or last or due):
            return
        try:
            self._write(state(), last)
        except OSError as error:
            if first:
                error.add_note("No checkpoint can be written, so no fit was begun.")
                raise
            if not self.warned:
                advise(
                    f"Checkpoint {self.path} could not be written at step {step} "
                    f"({error}). The fit goes on; the file is that of step {self.step}."
                )
            self.warned = True
        else:
            self.step = step
        self.written = time.perf_counter()
        self.cost = self.written - now

    def _read(self) -> int | None:
        """Take the state from the file; return its batch size."""
        if not self.path.is_file():
            raise ValueError(f"checkpoint_path={str(self.path)!r} is no file.")
        metadata, tensors = unseal(self.path, _KIND, FORMAT, noun="checkpoint")
        try:
            self._check(metadata["fit"])
            self.earlier = State(tensors, metadata["loop"])
            self.done = bool(metadata["done"])
            size = metadata["batch_size"]
            return None if size is None else check_count("batch_size", size)
        except _OtherFit as error:
            raise ValueError(str(error)) from None
        except FAULTS as error:
            raise self._forged(error) from error

    def _write(self, state: State, last: bool) -> None:
        if self.step < 0:
            remove_parts(self.path)  # of an attempt that was killed while it wrote
        if _mark(self.path) not in (None, self.seen):
            raise FileExistsError(
                errno.EEXIST, "Another process writes it", str(self.path)
            )
        metadata = {
            "format": FORMAT,
            "class": _KIND,
            "fit": self.identity,
            "batch_size": self.batch_size,
            "done": last,
            "loop": state.plain,
        }
        write_whole(self.path, seal(metadata, state.tensors))
        self.seen = _mark(self.path)

    def _check(self, there: Mapping[str, Any]) -> None:
        """Refuse the checkpoint of another fit."""
        names = [n for n in self.identity if there.get(n) != self.identity[n]]
        if not names:
            return
        said = [_differs(n, there.get(n), self.identity[n]) for n in names]
        raise _OtherFit(
            f"Checkpoint {self.path} is of another fit: it differs in "
            f"{', '.join(said)}. Give this fit another checkpoint_path, or remove the "
            "file to begin anew."
        )

    def _forged(self, error: Exception) -> ValueError:
        return ValueError(
            f"Checkpoint {self.path} is damaged or forged: {error}. Remove it to begin "
            "anew."
        )


class _OtherFit(Exception):
    """The checkpoint is whole, but of another fit."""


def _differs(
    name: str, one: Any, other: Any, where: tuple[str, str] = ("there", "now")
) -> str:
    """Say what one fit has otherwise than another, and how, if it is short."""
    how = f"{name} ({one!r} {where[0]}, {other!r} {where[1]})"
    return _DIGESTS.get(name) or (how if len(how) < _LONGEST else name)


def _mark(path: Path) -> tuple[int, ...] | None:
    """Tell one version of a file from the next; None if there is none."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    return stat.st_ino, stat.st_mtime_ns, stat.st_size
