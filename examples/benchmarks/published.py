"""The README's table of imputers on published protocols.

Our rows are means of the results that the benchmarks wrote; the others are figures of
papers, for the same protocol, whose authors trained on graphics cards:

- CSDI: Tashiro et al. (2021, NeurIPS), tables 2 and 3, five folds of PhysioNet.
- PriSTI: Liu et al. (2023, ICDE), which knows where the stations are.
- SAITS and CSDI on ETTh1: Du et al. (2024, TSI-Bench).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Result = dict[str, Any]
Read = Callable[[str], Result]

#: Protocol, share hidden: what papers say, as name: (CRPS, MAE).
PAPERS: dict[tuple[str, int], dict[str, tuple[float | None, float]]] = {
    ("physionet", 10): {"CSDI": (0.238, 0.217)},
    ("physionet", 50): {"CSDI": (0.330, 0.301)},
    ("physionet", 90): {"CSDI": (0.522, 0.481)},
    ("pm25", 0): {"CSDI": (0.108, 9.60), "PriSTI": (0.0997, 9.03)},
    ("etth1_gaps", 10): {"SAITS": (None, 0.144), "CSDI": (None, 0.151)},
    ("etth1_gaps", 50): {"SAITS": (None, 0.223), "CSDI": (None, 0.318)},
}
FOLDS = range(5)
HEAD = ("", "CRPS", "MAE", "in the 90 % interval", "trained", "published (CRPS / MAE)")


def row(title: str, key: tuple[str, int], runs: list[Result], budget: str) -> str:
    """Write the mean of runs beside what papers say."""
    own = {
        figure: sum(run[figure] for run in runs) / len(runs)
        for figure in ("crps", "mae", "coverage_90")
    }
    places = 2 if own["mae"] > 1 else 3
    others = [
        f"{name} {'-' if crps is None else f'{crps:g}'} / {mae:g}"
        for name, (crps, mae) in PAPERS[key].items()
    ]
    figures = [f"**{own['crps']:.3f}**", f"**{own['mae']:.{places}f}**"]
    inside = f"{100 * own['coverage_90']:.1f} %"
    return f"| {' | '.join([title, *figures, inside, budget, ', '.join(others)])} |"


def protocols(read: Read, exists: Callable[[str], bool]) -> list[str]:
    """Write a row for each protocol and share whose results are there."""
    made = []
    for share in (10, 50, 90):
        files = [f"physionet_{share}_fold{fold}" for fold in FOLDS]
        runs = [read(file) for file in files if exists(file)]
        if runs:
            title = f"PhysioNet 2012, {share} % hidden, {len(runs)} fold(s)"
            minutes = sum(run["train_minutes"] for run in runs) / len(runs)
            budget = spent(minutes, runs[0])
            made.append(row(title, ("physionet", share), runs, budget))
    if exists("pm25"):
        run = read("pm25")
        budget = spent(run["train_minutes"], run)
        made.append(row("PM2.5, 36 stations", ("pm25", 0), [run], budget))
    if exists("etth1_gaps"):
        run = read("etth1_gaps")
        budget = spent(run["minutes"], run)
        for share in (10, 50):
            title = f"ETTh1 in windows of 48, {share} % hidden"
            part = run[f"hidden_{share}"]
            made.append(row(title, ("etth1_gaps", share), [part], budget))
    return made


def spent(minutes: float, run: Result) -> str:
    """Say what the training took."""
    return f"{minutes:.0f} min, {run['threads']} thread(s)"
