"""The README's tables, made from the results that the benchmarks wrote.

    python examples/benchmarks/readme_table.py          # put them into README.md
    python examples/benchmarks/readme_table.py --check  # fail if it stands otherwise

No figure is typed by hand: a row is a file of ``results/``, and says which.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from published import HEAD, protocols

RESULTS = Path(__file__).with_name("results")
README = Path(__file__).parents[2] / "README.md"
#: File, what is forecast, the figure that is compared, its coverage.
ROWS = (
    ("m4_hourly", "M4 hourly, 414 series, 48 ahead", "crps", "coverage_80"),
    ("etth1_24", "ETTh1, 96 -> 24, 7 channels", "crps", "coverage_90"),
    ("etth1_192", "ETTh1, 168 -> 192", "crps", "coverage_90"),
    ("exchange_rate", "8 currencies, 30 ahead", "crps_19", "coverage_80"),
    ("nn5", "NN5, 111 cash machines, 56 ahead", "crps", "coverage_80"),
    ("pjm", "PJM load, a week ahead, 2 regions", "crps", "coverage_80"),
)
RIVALS = {
    "seasonal_naive": "seasonal naive",
    "AutoETS": "AutoETS",
    "AutoARIMA": "AutoARIMA",
    "ets": "our ETS",
    "arima": "our ARIMA",
}
#: What stands above the table of imputers, where there is one.
SIDE_BY_SIDE = """\
Imputers side by side (`python examples/benchmarks/peers.py --set ... --python ...`; one
thread; the same windows and hidden cells for all, and as many minutes of CPU time to
train; PyPOTS' models at their published settings; "points" have no spread, their CRPS
is their normalised MAE; fewer windows where the minutes to answer were not enough; p by
a paired test over windows):
"""
#: Fillers in the table of gaps, by their names in the results.
FILLERS = (
    "tsdiff",
    "linear",
    "Kalman",
    "decomposition",
    "nearest windows",
    "seasonal naive",
)
SETS = {
    "glucose": "glucose",
    "air_quality": "air quality",
    "etth1": "ETTh1",
    "finance": "WTI and S&P 500",
    "nn5": "NN5, 56 days ahead",
}
PEER_SETS = {
    "air_quality": "air quality",
    "pm25": "PM2.5",
    "physionet": "PhysioNet",
}


def cell(result: dict[str, Any], rival: str, figure: str) -> str:
    """Score of a rival and the p-value of the difference; "-" if it was not run."""
    pair = result["paired"].get(rival)
    if pair is None:
        return "-"
    if pair["n_windows"] < result["n_windows"]:
        return f"({pair['n_windows']} windows only)"
    return f"{result['models'][rival][figure]:.4f}, {chance(pair)}"


def row(file: str, title: str, figure: str, coverage: str) -> str:
    """Write a line of the table."""
    result = read(file)
    own = result["models"]["tsdiff"]
    inside = f"{100 * own[coverage]:.0f} of {coverage.rpartition('_')[2]} %"
    budget = f"{result['minutes']:g} min, {result['threads']} thread(s)"
    rivals = [cell(result, rival, figure) for rival in RIVALS]
    parts = [f"{title} (`{file}.json`)", f"**{own[figure]:.4f}**", inside, budget]
    return f"| {' | '.join([*parts, *rivals])} |"


def forecasts() -> str:
    """Write the table of forecasts, a row for each result that is there."""
    head = ["CRPS", "tsdiff", "covers", "trained", *RIVALS.values()]
    return lines(head, [row(*line) for line in ROWS if exists(line[0])])


def gaps() -> str:
    """Write the table of gaps by their length, and the sentences."""
    head = ["hidden cells of", "gap, rows", "cells", *FILLERS]
    rows, said = [], []
    for name, title in SETS.items():
        if not exists(f"gaps_{name}"):
            continue
        result = read(f"gaps_{name}")
        for label, count in result["n"].items():
            scores = [result["crps"][filler][label] for filler in FILLERS]
            best = min(scores)
            figures = [
                f"**{score:.3f}**" if score == best else f"{score:.3f}"
                for score in scores
            ]
            rows.append(f"| {' | '.join([title, label, str(count), *figures])} |")
        said += [
            f"- {title}: {result['verdicts'][rival]}." for rival in ("linear", "Kalman")
        ]
    return lines(head, rows) + "\n\n" + "\n".join(said)


def calibration() -> str:
    """Write the table of coverage after calibration, and of sharpness."""
    head = ["", "cells", "50 %", "80 %", "90 %", "95 %", "score", "best other"]
    rows = []
    for name, title in SETS.items():
        if not exists(f"calibration_{name}"):
            continue
        models = read(f"calibration_{name}")["models"]
        own = models["tsdiff"]["calibrated"]
        inside = [f"{100 * own[f'coverage_{share}']:.1f}" for share in (50, 80, 90, 95)]
        others = {
            other: both["calibrated"]["interval_score"]
            for other, both in models.items()
            if other != "tsdiff"
        }
        best = min(others, key=lambda other: others[other])
        rival = f"{others[best]:.3f} ({best})"
        sharp = f"{own['interval_score']:.3f}"
        parts = [title, str(own["n_cells"]), *inside, sharp, rival]
        rows.append(f"| {' | '.join(parts)} |")
    return lines(head, rows)


def repairs() -> str:
    """Write the table of planted faults: average precision beside the best rival's."""
    kinds = {"all": "all", "spike": "spikes", "flat": "flat-lines", "unit": "units"}
    rows = []
    for name, title in SETS.items():
        if not exists(f"repair_{name}"):
            continue
        result = read(f"repair_{name}")
        table, figures = result["average_precision"], []
        for kind in kinds:
            score = {method: found[kind] for method, found in table.items()}
            own = score.pop("tsdiff")
            best = max(score, key=lambda method: score[method])
            pair = [f"{own:.3f}", f"{score[best]:.3f}"]
            first = int(own < score[best])
            pair[first] = f"**{pair[first]}**"
            figures.append(f"{pair[0]}, {pair[1]} ({best})")
        faulty = str(sum(result["n_faulty"].values()))
        rows.append(f"| {' | '.join([title, faulty, *figures])} |")
    return lines(["faults in", "cells", *kinds.values()], rows)


def peers() -> str:
    """Write the table of imputers side by side, or nothing where none was run."""
    head = ["", "model", "CRPS", "MAE", "RMSE", "tsdiff's CRPS there", "windows"]
    head += ["trained on", "CPU s of training", "ms per window"]
    rows = []
    for name, title in PEER_SETS.items():
        if not exists(f"peers_{name}"):
            continue
        result = read(f"peers_{name}")
        for model, own in result["models"].items():
            pair = result.get("paired", {}).get(model, {})
            same = "crps_tsdiff" in pair
            parts = [
                f"{title}, {result['minutes']:g} min",
                model if own["coverage_90"] is not None else f"{model} (points)",
                *(f"{own[figure]:.3f}" for figure in ("crps", "mae", "rmse")),
                f"{pair['crps_tsdiff']:.3f}, {chance(pair)}" if same else "",
                f"{own['n_windows']} of {result['n_windows']}",
                own["trained"],
                f"{own['train_seconds']:.0f}",
                f"{1e3 * own['answer_seconds_per_window']:.0f}",
            ]
            rows.append(f"| {' | '.join(parts)} |")
    return f"{SIDE_BY_SIDE}\n{lines(head, rows)}" if rows else ""


def published() -> str:
    """Write the table of published protocols."""
    return lines(list(HEAD), protocols(read, exists))


def chance(pair: dict[str, Any]) -> str:
    """Write the p-value of a comparison."""
    p_value = pair["p_value"]
    return "p < .001" if p_value < 0.001 else f"p = {p_value:.2g}".replace("0.", ".")


def lines(head: list[str], rows: list[str]) -> str:
    """Put a table together."""
    return "\n".join([f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows])


def exists(file: str) -> bool:
    """Whether a benchmark has left its results."""
    return (RESULTS / f"{file}.json").exists()


def read(file: str) -> dict[str, Any]:
    """Read the results of a benchmark."""
    return json.loads((RESULTS / f"{file}.json").read_text(encoding="utf-8"))


def renewed(readme: str) -> str:
    """Put the tables between their marks."""
    for table in (published, forecasts, gaps, peers, calibration, repairs):
        start = f"<!-- {table.__name__}: made by readme_table.py -->"
        stop = f"<!-- /{table.__name__} -->"
        inner = f"{start}\n{table()}\n{stop}"
        pattern = f"{re.escape(start)}.*?{re.escape(stop)}"
        found = re.findall(pattern, readme, flags=re.DOTALL)
        if len(found) != 1:
            raise ValueError(f"README.md holds {len(found)} tables after {start}")
        readme = readme.replace(found[0], inner)
    return readme


def main() -> None:
    """Renew the README, or check it."""
    text = README.read_text(encoding="utf-8")
    fresh = renewed(text)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if fresh == text else "README.md does not hold the latest results")
    README.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
