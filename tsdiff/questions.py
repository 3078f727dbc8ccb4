"""Questions to a model: which cells, given what; and both ways to answer them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tsdiff.bands import sample_quantiles
from tsdiff.constraints.noise import Hints, denoised, errors, softened
from tsdiff.constraints.steering import FEWEST_PATHS, steer
from tsdiff.draws import Draws
from tsdiff.effort import FEWEST, asked_samples, enough_paths
from tsdiff.panel.frame import Panel
from tsdiff.panel.future import tail_rows
from tsdiff.parameters import read_seed
from tsdiff.support import only

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Paths that quantiles are read off where they are not had in closed form.
PATHS = 200
_MOST_NUMBERS = 2**27  # 1 GiB of float64: draws beyond this are refused in words


@dataclass(frozen=True)
class Question:
    """Cells to answer, and what is known besides the data.

    Attributes
    ----------
    panel : Panel
        What the model is shown.
    cells : ndarray of int, shape (M,)
        Flat indices into it, ascending.
    frame : Panel
        Rows of the answer, in the caller's kind.
    place : ndarray of int, shape (M,)
        Of each cell in the answer; -1 if it is none of it.
    constraints : Constraint or sequence of them, optional
    hints : Hints, optional
        Values of some of the cells, with their errors.
    """

    panel: Panel
    cells: Ints
    frame: Panel
    place: Ints
    constraints: Any = None
    hints: Hints | None = None

    def with_errors(self, std: Floats) -> Question:
        """Hide the observed cells that have errors, and answer them too.

        Parameters
        ----------
        std : ndarray, shape (N, C)
            Of the errors of the cells of `panel`.

        Returns
        -------
        Question
            They are part of the answer if its rows are those of the panel.
        """
        panel, cells, hints = softened(self.panel, self.cells, std)
        if self.frame is self.panel:
            return Question(panel, cells, panel, cells, self.constraints, hints)
        place = np.full(panel.values.size, -1)
        place[self.cells] = self.place
        return replace(self, panel=panel, cells=cells, place=place[cells], hints=hints)

    @property
    def fewest_paths(self) -> int:
        """Paths to draw at least; 0 if the data are all that is known."""
        if self.hints is not None:
            return PATHS
        return 0 if self.constraints is None else FEWEST_PATHS


def joint(
    model: Any,
    asked: Question,
    n_samples: Any,
    random_state: Any,
    tolerance: Any = None,
) -> Draws:
    """Draw joint paths.

    Parameters
    ----------
    model : fitted estimator
    asked : Question
    n_samples : int or "auto"
    random_state : int, Generator, RandomState or None
        None takes that of the model.
    tolerance : float, optional
        For "auto"; see `tsdiff.effort.enough_paths`.

    Returns
    -------
    Draws

    Raises
    ------
    TypeError, ValueError
        If an argument or a constraint can't be used, or the draws would take more than
        1 GiB.
    """
    n_asked = asked_samples(n_samples, tolerance, known=asked.fewest_paths > 0)
    n_drawn, cells = max(n_asked or FEWEST, asked.fewest_paths), asked.cells
    if n_drawn * len(cells) > _MOST_NUMBERS:
        raise ValueError(
            f"{n_drawn:,} samples of {len(cells):,} missing cells take "
            f"{8e-9 * n_drawn * len(cells):.1f} GB. Ask for fewer samples, for some of "
            "the rows or series at a time, or for quantiles, which need no samples."
        )
    seed = read_seed(model.random_state if random_state is None else random_state)
    samples, place = np.empty((n_drawn, 0)), asked.place
    given: tuple[str, ...] = ()
    if len(cells):
        kept = model._supported(asked.panel, cells)

        def draw(number: int) -> Floats:
            return only(kept, model._draw(asked.panel, asked.cells, number, seed))

        samples, cells, place = draw(n_drawn), only(kept, cells), only(kept, place)
        if n_asked is None:
            samples = enough_paths(samples, draw, asked.panel, cells, tolerance)
    if asked.hints is not None:
        samples = denoised(samples, asked.panel, cells, asked.hints)
        given = ("obs_std",)
    asked_for = place >= 0
    samples, place = only(asked_for, samples), only(asked_for, place)
    draws = Draws(asked.frame, samples, place, model._is_calibrated, given)
    if asked.constraints is not None:
        draws = steer(draws, asked.constraints)
    return replace(draws, samples=draws.samples[:n_asked])


def quantiles(model: Any, asked: Question, levels: Floats) -> tuple[Ints, Floats]:
    """Quantiles of single cells: in closed form, or of `PATHS` draws.

    Parameters
    ----------
    model : fitted estimator
    asked : Question
    levels : ndarray, shape (k,)

    Returns
    -------
    place : ndarray of int, shape (M,)
        Of the answered cells.
    values : ndarray, shape (k, M)
    """
    if not asked.fewest_paths:
        return asked.place, model._answer(asked.panel, asked.cells, levels)
    draws = joint(model, asked, PATHS, None)
    return draws.cells, sample_quantiles(draws.samples, levels)


def latest_errors(model: Any, kept: Panel, y: Any, obs_std: Any) -> Floats:
    """Read the errors of the rows of a history that a forecaster keeps.

    Parameters
    ----------
    model : fitted Forecaster
    kept : Panel
        Those rows, C channels.
    y : as in `fit`, optional
        The whole history, if it was given.
    obs_std : number, mapping by channel, or array of the shape of `y`

    Returns
    -------
    ndarray, shape (N, C)

    Raises
    ------
    TypeError, ValueError
        As `errors`, and if the model is calibrated.
    """
    if model._is_calibrated:
        raise ValueError(
            "Steps ahead were calibrated for histories without obs_std. Ask raw()."
        )
    if y is None:
        return errors(kept, obs_std)
    given = model.schema_.read(model, y)
    std, memory = errors(given, obs_std), model._memory()
    return std if memory is None else std[tail_rows(given, memory)]
