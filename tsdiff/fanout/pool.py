"""Shards through joblib, and once more those that a killed worker took with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from tsdiff.fanout.asking import Question
from tsdiff.fanout.work import Outcome, Task, do, is_done
from tsdiff.parallel import as_completed

_PATIENCE = 2  # rounds in which workers are killed and nothing is answered
# of joblib's loky and multiprocessing, of dask and of ray
_DEATHS = {"BrokenProcessPool", "KilledWorker", "WorkerCrashedError"}


def run_tasks(
    tasks: list[Task], question: Question, n_jobs: int | None
) -> Iterator[Outcome]:
    """Answer shards, and yield how it went with each as it comes.

    A worker that is killed takes the shards at hand with it: these are done again. If
    it happens again and again, each that is left gets a worker of its own, so that the
    one which kills it is found and the others are answered.

    Parameters
    ----------
    tasks : list of Task
    question : Question
    n_jobs : int or None

    Yields
    ------
    Outcome
    """
    work = partial(do, question=question)
    left = {task.number: task for task in tasks}
    n_stalled = 0
    while left and n_stalled < _PATIENCE:
        n_before = len(left)
        try:
            for outcome in as_completed(work, list(left.values()), n_jobs):
                del left[outcome.number]
                yield outcome
        except Exception as error:
            if not _is_death(error):
                raise
            yield from _found(left)
        n_stalled = 0 if len(left) < n_before else n_stalled + 1
    for task in left.values():
        yield _alone(task, work)


def _found(left: dict[int, Task]) -> Iterator[Outcome]:
    """Shards whose answer is there, though nobody could tell any more."""
    for task in [task for task in left.values() if is_done(task)]:
        del left[task.number]
        yield Outcome(task.number)


def _alone(task: Task, work: Callable[[Task], Outcome]) -> Outcome:
    """Answer a shard in a worker that has nothing else to do."""
    for _ in range(_PATIENCE):
        try:
            (outcome,) = as_completed(work, [task], 2)  # 1 would be this process
            return outcome
        except Exception as error:
            if not _is_death(error):
                raise
            said = type(error).__name__
    return Outcome(
        task.number,
        f"{said}: its worker was killed, each time. If memory did not suffice, give a "
        "smaller shard_size or n_jobs.",
    )


def _is_death(error: BaseException) -> bool:
    """Tell whether an error says that a worker is gone."""
    names = {cls.__name__ for cls in type(error).__mro__}
    return bool(names & _DEATHS)
