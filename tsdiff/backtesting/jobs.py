"""Jobs of a backtest: each on one thread, in any process, kept once it is done."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tsdiff.backtesting.folder import Folder, Outcome
from tsdiff.backtesting.models import digest
from tsdiff.parallel import as_completed, check_n_jobs, one_thread

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Job:
    """One model and the folds that one fit of it answers.

    Attributes
    ----------
    model : str
        Its name.
    folds : tuple of int
    work : callable
        Returns the Outcome; goes to another process by pickle.
    """

    model: str
    folds: tuple[int, ...]
    work: Callable[[], Outcome]

    @property
    def key(self) -> str:
        """Name of the job within its run."""
        return digest(self.model, self.folds)[:32]


def failing(
    folds: Sequence[int], answer: Callable[[Sequence[int]], Mapping[int, Floats]]
) -> Outcome:
    """Answer folds together, and if that fails one by one, so that one is to blame.

    Parameters
    ----------
    folds : sequence of int
    answer : callable
        From folds to the quantiles of each.

    Returns
    -------
    Outcome
    """
    try:
        return Outcome(quantiles=dict(answer(folds)))
    except Exception as error:
        if len(folds) == 1:
            said = f"{type(error).__name__}: {error}"
            return Outcome(errors={folds[0]: said})
    outcome = Outcome()
    for fold in folds:
        one = failing([fold], answer)
        outcome.quantiles.update(one.quantiles)
        outcome.errors.update(one.errors)
    return outcome


def run_jobs(
    jobs: Sequence[Job], folder: Folder | None, n_jobs: int | None, verbose: int
) -> list[Outcome]:
    """Do all jobs, or read what an earlier run has left of them.

    Parameters
    ----------
    jobs : sequence of Job
    folder : Folder or None
    n_jobs : int or None
        As in joblib.
    verbose : int

    Returns
    -------
    list of Outcome
        In the order of the jobs.
    """
    if n_jobs is not None:
        check_n_jobs(n_jobs)
    found = {} if folder is None else folder.read([job.key for job in jobs])
    left = [job for job in jobs if job.key not in found]
    bar: Any = tqdm(
        total=len(jobs), initial=len(found), desc="backtest", disable=not verbose
    )
    with bar:
        for key, outcome in as_completed(partial(_do, folder=folder), left, n_jobs):
            found[key] = outcome
            bar.update()
    return [found[job.key] for job in jobs]


def _do(job: Job, folder: Folder | None) -> tuple[str, Outcome]:
    """Do one job on one thread, noting what is warned of."""
    with warnings.catch_warnings(record=True) as caught, one_thread():
        warnings.simplefilter("always")
        outcome = job.work()
    said = (str(one.message) for one in caught if issubclass(one.category, UserWarning))
    outcome.notes = list(dict.fromkeys(said))
    if folder is not None and not outcome.errors:
        folder.write(job.key, outcome)
    return job.key, outcome
