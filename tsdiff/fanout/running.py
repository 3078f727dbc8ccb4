"""fan_out: one question to all series of a panel, in shards, in a folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any, Literal

from tqdm.auto import tqdm

from tsdiff._version import __version__
from tsdiff.advice import advise
from tsdiff.backtesting.folder import Folder
from tsdiff.backtesting.models import describe, digest
from tsdiff.fanout.answers import PARTS, FanOut, write_manifest
from tsdiff.fanout.asking import METHODS, Question, asked_of, series_of
from tsdiff.fanout.given import keep_model, keep_panel, split, tidy
from tsdiff.fanout.pool import run_tasks
from tsdiff.fanout.shards import Plan, Shard
from tsdiff.fanout.work import Task, is_done, open_model
from tsdiff.panel.arrow import arrow
from tsdiff.parallel import check_n_jobs
from tsdiff.parameters import check_count, read_seed
from tsdiff.validation import listing

_MOST_NAMED = 3
_FORMAT = 1


def fan_out(
    model: Any,
    method: str,
    panel: Any,
    *,
    folder: str | Path,
    shard_size: int = 2000,
    n_jobs: int | None = None,
    on_error: Literal["raise", "collect"] = "raise",
    **asked: Any,
) -> FanOut:
    """Ask a fitted model for all series of a panel, shard by shard.

    Memory is that of one shard for each worker, however many series there are: answers
    go into Parquet files as they come. A run that was killed goes on where it was when
    it is called again. Work is spread by joblib, in the backend that is open: processes
    of this machine by ``n_jobs``, a cluster by ``joblib.parallel_config("dask")``,
    where all machines see the same files.

    Parameters
    ----------
    model : fitted estimator, str or Path
        Or the file in which one was saved.
    method : {"transform", "predict", "predict_interval", "predict_quantiles", \
            "sample", "calibrate", "backtest", "imputation_backtest"}
        Of the model. ``calibrate`` scores, and `FanOut.calibrated` learns of all
        scores. The last two are the functions of `tsdiff` of that name, of this model
        alone, whose answers `FanOut.result` puts together; with ``refit=False``, which
        is the default here.
    panel : ParquetPanel, ArrayPanel, DataFrame, ndarray, str or Path
        The series: Parquet files, which are read a shard at a time (a path stands for
        ``ParquetPanel(path)``); a path of an ``.npy`` file of shape (n_series, n_times,
        n_channels); or what is in memory, of which the folder gets a copy: a DataFrame
        indexed by series and time, or an array of that shape (`numpy.memmap` too). The
        rows of a series lie together. Forecasters take it for `y`, gap fillers for `X`.
    folder : str or Path
        Of the run: empty or new, or that of the same question.
    shard_size : int, default 2000
        Series in a shard; fewer where they are long. With the same size answers are
        the same bits in every backend, order and number of jobs; with another one
        they are the same up to the rounding of float32.
    n_jobs : int, optional
        As in joblib; by default what ``joblib.parallel_config`` says, or 1.
    on_error : {"raise", "collect"}, default "raise"
        Shards that fail are named, and all others are answered, either way: raise an
        error after that, or return.
    **asked
        Arguments of the method besides the series: ``h=24``, ``coverage=0.9``. `X` is
        indexed by time alone, and holds for all series; or it has rows of each series,
        as the panel has: in memory, by series and time, or as a ParquetPanel. So has
        `static`, indexed by series.

    Returns
    -------
    FanOut
        ``read()`` gives a DataFrame, iteration one for each shard.

    Raises
    ------
    NotFittedError, TypeError
        If the model can't answer, or the panel is none.
    ValueError
        If an argument can't be used, the folder holds another run, or a file of the
        panel can't be read, has other columns, or an id that is in another file too
        (`on_error="collect"` notes it in ``failed``).
    RuntimeError
        If shards failed, naming them and the series.
    ImportError
        If pyarrow is not installed.

    Warns
    -----
    UserWarning
        What the model warned of, a few of it.

    Examples
    --------
    >>> import numpy as np, tsdiff
    >>> from tempfile import TemporaryDirectory
    >>> y = np.random.default_rng(0).standard_normal((30, 40, 1)).cumsum(axis=1)
    >>> model = tsdiff.DiffusionForecaster(
    ...     horizon=3, max_epochs=1, width=8, depth=1, random_state=0
    ... ).fit(y)
    >>> with TemporaryDirectory() as folder:  # doctest: +SKIP
    ...     ahead = tsdiff.fan_out(model, "predict", y, folder=folder, shard_size=10)
    ...     ahead.read().shape
    (90, 1)
    """
    arrow()
    check_count("shard_size", shard_size)
    if n_jobs is not None:
        check_n_jobs(n_jobs)
    if on_error not in ("raise", "collect"):
        raise ValueError(f'on_error must be "raise" or "collect", got {on_error!r}.')
    home = Path(folder).absolute()
    random_state = asked.pop("random_state", None)
    seed = _seed(home, model if random_state is None else random_state)
    kept = keep_model(model, home)
    _check_asked(kept.estimator, method, asked)
    given = keep_panel(panel, home)
    common, beside = split(asked, home)
    run = {
        "tsdiff": __version__,
        "kind": "fan_out",
        "model": kept.digest,
        "method": method,
        "asked": describe(common),
        "random_state": seed,
        "shard_size": shard_size,
        "panel": given.digest,
    }
    if beside:
        run["beside"] = {name: own.digest for name, own in beside.items()}
    Folder.open(home, run)
    rows = {name: own.write() for name, own in beside.items()}
    device = getattr(kept.estimator, "device", "auto")
    means = (given.write(), kept.write(), kept.digest)
    question = Question(*means, method, common, seed, rows, device)
    open_model(question)  # or it fails here, and not a thousand times
    plan = _planned(home, question, shard_size)
    if plan.broken and on_error == "raise":
        raise ValueError(
            f"{len(plan.broken)} file(s) of the panel can't be used: "
            f"{listing(plan.broken.values(), _MOST_NAMED)}"
        )
    tasks = _tasks(home, plan, digest(run))
    failed = dict(plan.broken) | _run(tasks, question, n_jobs, kept.verbose)
    _note(home, plan, failed, "failed" if failed else "done")
    if failed and on_error == "raise":
        told = [f"{name}: {said}" for name, said in failed.items()]
        raise RuntimeError(
            f"{len(failed)} of {len(tasks)} shards failed, the others are in {home}; "
            f"the same call does only what is missing. {listing(told, _MOST_NAMED)}"
        )
    return FanOut(home)


def _check_asked(estimator: Any, method: str, asked: Mapping[str, Any]) -> None:
    """Refuse what the model can't be asked, before anything is written."""
    able = [name for name in METHODS if asked_of(estimator, name) is not None]
    if method not in able:
        raise ValueError(
            f"method={method!r} can't be asked of a {type(estimator).__name__}; it has "
            f"{listing(map(repr, able))}."
        )
    function: Any = asked_of(estimator, method)
    signature(function).bind_partial(**asked)
    name = series_of(function)
    if name in asked:
        raise ValueError(f"{name}= can't be given; the series are told by the panel.")


def _seed(home: Path, given: Any) -> int:
    """Seed of the run: a number that was given, that of the run to go on, or fresh."""
    state = getattr(given, "random_state", None if _is_model(given) else given)
    file = home / "run.json"
    if not isinstance(state, int) and file.is_file():
        try:
            return int(json.loads(file.read_text(encoding="utf-8"))["random_state"])
        except (ValueError, KeyError, TypeError):
            pass  # said by who opens the folder
    return read_seed(state)


def _is_model(given: Any) -> bool:
    return hasattr(given, "get_params") or isinstance(given, str | Path)


def _planned(home: Path, question: Question, shard_size: int) -> Plan:
    """Shards of the panel: those of the run as it began, and what is new."""
    plan, file = Plan(), home / "manifest.json"
    if file.is_file():
        kept = json.loads(file.read_text(encoding="utf-8"))
        plan.marks = kept["files"]
        plan.shards = [Shard.of_json(shard) for shard in kept["shards"]]
    plan.look_through(question.panel, shard_size, question.beside)
    _note(home, plan, {}, "running")
    (home / PARTS).mkdir(exist_ok=True)
    tidy(home / PARTS)
    return plan


def _note(home: Path, plan: Plan, failed: Mapping[str, str], state: str) -> None:
    shards = [shard.to_json() for shard in plan.shards]
    content = {"format": _FORMAT, "state": state, "failed": dict(failed)}
    write_manifest(home, content | {"files": plan.marks, "shards": shards})


def _tasks(home: Path, plan: Plan, run: str) -> list[Task]:
    return [
        Task(
            number,
            shard,
            home / PARTS / f"part-{number:06d}.parquet",
            digest(run, shard.key(plan.marks)),
        )
        for number, shard in enumerate(plan.shards)
    ]


def _run(
    tasks: list[Task], question: Question, n_jobs: int | None, verbose: int
) -> dict[str, str]:
    """Answer what is not answered yet; what went wrong, by shard."""
    left = [task for task in tasks if not is_done(task)]
    failed, notes = {}, {}
    done = len(tasks) - len(left)
    bar: Any = tqdm(
        total=len(tasks), initial=done, desc=question.method, disable=not verbose
    )
    with bar:
        for outcome in run_tasks(left, question, n_jobs):
            shard = tasks[outcome.number].shard
            name = f"shard {outcome.number} ({shard.ids[0]} to {shard.ids[1]})"
            if outcome.error is not None:
                failed[name] = outcome.error
            notes.update(dict.fromkeys(outcome.notes, name))
            bar.update()
    for note, name in list(notes.items())[:_MOST_NAMED]:
        advise(f"{name}: {note}")
    return dict(sorted(failed.items()))
