"""The README's table of forecasts, made from the results that the benchmarks wrote.

    python examples/benchmarks/readme_table.py          # put it into README.md
    python examples/benchmarks/readme_table.py --check  # fail if it stands otherwise

No figure is typed by hand: a row is a file of ``results/``, and says which.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
README = Path(__file__).parents[2] / "README.md"
START, STOP = "<!-- forecasts: made by readme_table.py -->", "<!-- /forecasts -->"

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


def cell(result: dict[str, Any], rival: str, figure: str) -> str:
    """Score of a rival and the p-value of the difference; "-" if it was not run."""
    pair = result["paired"].get(rival)
    if pair is None:
        return "-"
    if pair["n_windows"] < result["n_windows"]:
        return f"({pair['n_windows']} windows only)"
    p_value = pair["p_value"]
    chance = "p < .001" if p_value < 0.001 else f"p = {p_value:.2g}".replace("0.", ".")
    return f"{result['models'][rival][figure]:.4f}, {chance}"


def row(file: str, title: str, figure: str, coverage: str) -> str:
    """Write a line of the table."""
    result = json.loads((RESULTS / f"{file}.json").read_text(encoding="utf-8"))
    own = result["models"]["tsdiff"]
    inside = f"{100 * own[coverage]:.0f} of {coverage.rpartition('_')[2]} %"
    budget = f"{result['minutes']:g} min, {result['threads']} thread(s)"
    rivals = [cell(result, rival, figure) for rival in RIVALS]
    parts = [f"{title} (`{file}.json`)", f"**{own[figure]:.4f}**", inside, budget]
    return f"| {' | '.join([*parts, *rivals])} |"


def table() -> str:
    """Write the table, a row for each result that is there."""
    head = ["CRPS", "tsdiff", "covers", "trained", *RIVALS.values()]
    rows = [row(*line) for line in ROWS if (RESULTS / f"{line[0]}.json").exists()]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *rows]
    return "\n".join(lines)


def renewed(readme: str) -> str:
    """Put the table between its marks."""
    inner = f"{START}\n{table()}\n{STOP}"
    pattern = f"{re.escape(START)}.*?{re.escape(STOP)}"
    answer, count = re.subn(pattern, lambda _: inner, readme, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"README.md holds {count} tables between {START} and {STOP}")
    return answer


def main() -> None:
    """Renew the README, or check it."""
    text = README.read_text(encoding="utf-8")
    fresh = renewed(text)
    if "--check" in sys.argv[1:]:
        sys.exit(0 if fresh == text else "README.md does not hold the latest results")
    README.write_text(fresh, encoding="utf-8")


if __name__ == "__main__":
    main()
