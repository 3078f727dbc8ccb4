"""The command line and the demo: what it prints and writes, and that it is honest."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tsdiff
from tsdiff import datasets, demo
from tsdiff.baselines import LastValue
from tsdiff.cli import main
from tsdiff.draws import Draws
from tsdiff.panel.frame import to_panel

EXAMPLES = Path(__file__).parents[1] / "examples"


# --- Arguments ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "required"),
        (["forecats"], "invalid choice"),
        (["demo", "--minutes", "0"], "must be a number above 0"),
        (["demo", "--minutes", "soon"], "invalid"),
        (["demo", "--seed", "-1"], "must be 0 or more"),
    ],
)
def test_arguments_that_make_no_sense_end_with_code_2(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err


def test_module_shows_its_version_and_its_commands():
    run = [sys.executable, "-m", "tsdiff"]
    version = subprocess.run([*run, "--version"], capture_output=True, text=True)
    assert (version.returncode, version.stdout.strip()) == (0, tsdiff.__version__)
    usage = subprocess.run([*run, "--help"], capture_output=True, text=True)
    assert usage.returncode == 0
    assert "demo" in usage.stdout


# --- The demo -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Run the quick demo once: its folder, exit code and what it printed."""
    folder = tmp_path_factory.mktemp("demo") / "new folder"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
        code = main(["demo", "--quick", "--seed", "3", "--output", str(folder)])
    return folder, code, printed.getvalue()


def test_demo_prints_one_table_and_says_where_its_files_are(quick):
    folder, code, printed = quick
    assert code == 0
    numbers = r"(?: +\d+(?:\.\d+)?){7}"
    for name in ("tsdiff", "linear interpolation", "last value", "Kalman smoother"):
        assert len(re.findall(rf"^ *{name}{numbers}$", printed, re.MULTILINE)) == 1
    for file in ("demo.html", "demo_filled.csv"):
        assert str((folder / file).resolve()) in printed
    assert max(map(len, printed.splitlines()[:-2])) <= 88


def test_demo_fills_all_and_keeps_what_was_seen(quick):
    folder, _, _ = quick
    filled = pd.read_csv(folder / "demo_filled.csv", index_col=0, parse_dates=True)
    exam = demo.make_exam(3, quick=True)
    assert filled.index.equals(exam.gappy.index)
    assert not filled.isna().any(axis=None)
    for name in ("glucose", "current"):
        seen = exam.gappy[name].notna()
        found, low, high = (filled[name + end] for end in ("", "-lo-90", "-hi-90"))
        np.testing.assert_allclose(found[seen], exam.gappy[name][seen], atol=0.005)
        assert ((low <= found) & (found <= high)).all()
        assert (low[~seen] < high[~seen]).all()


def test_demo_draws_a_picture_that_needs_no_network(quick):
    page = (quick[0] / "demo.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot" in page
    assert len(page) > 1_000_000  # plotly.js is inside
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page)
    assert "held out" in page


@pytest.mark.parametrize("brief", [True, False])
def test_exam_hides_only_what_was_seen(brief):
    exam = demo.make_exam(0, quick=brief)
    own = datasets.load_glucose().loc[exam.full.index]
    pd.testing.assert_frame_equal(exam.full, own, check_freq=False)
    seen = exam.gappy.notna().to_numpy()
    pd.testing.assert_frame_equal(exam.gappy, exam.full.where(seen), check_freq=False)
    lost = exam.full["glucose"].notna() & exam.gappy["glucose"].isna()
    np.testing.assert_array_equal(exam.hidden, lost)
    assert np.isfinite(exam.truth).all()
    assert 0.04 < exam.hidden.mean() < 0.25
    pd.testing.assert_frame_equal(demo.make_exam(0, quick=brief).gappy, exam.gappy)


def test_scores_are_those_of_the_hidden_glucose_alone():
    exam = demo.make_exam(1, quick=True)
    panel = to_panel(exam.gappy)
    cells = np.flatnonzero(np.isnan(panel.values))
    hidden = np.isin(cells, 2 * np.flatnonzero(exam.hidden))
    assert 0 < hidden.sum() < len(cells)
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1e6, 1e6, (101, len(cells)))  # elsewhere: nonsense
    samples[:, hidden] = exam.truth + np.arange(-40, 61)[:, None]
    scores = demo.scores(exam, Draws(panel, samples, cells))
    # Draws at truth - 40 ... truth + 60: the median is 10 too high.
    mean_error = (sum(range(41)) + sum(range(61))) / 101
    mean_distance = (101 + 1) / 3  # of two different ones of 101 in a row
    assert scores["CRPS"] == pytest.approx(mean_error - mean_distance / 2)
    assert scores["MAE"] == pytest.approx(10)
    assert (scores["in 50 %"], scores["width 50 %"]) == pytest.approx((100, 50))
    assert (scores["in 90 %"], scores["width 90 %"]) == pytest.approx((100, 90))
    samples[:, hidden] += 36  # now the 50 % interval begins at truth + 21
    scores = demo.scores(exam, Draws(panel, samples, cells))
    assert (scores["in 50 %"], scores["in 90 %"]) == (0, 0)


def test_picture_shows_the_draws_that_were_scored():
    exam = demo.make_exam(2)
    draws = LastValue(random_state=0).fit(exam.gappy).sample(exam.gappy, 3)
    first = demo._busiest(exam.hidden)
    rows = slice(first, first + 3 * 288)
    part = demo._part(draws, exam.gappy, first)
    np.testing.assert_array_equal(part.paths(), draws.paths()[:, rows])
    assert part.panel.index.equals(exam.gappy.index[rows])
    counts = [exam.hidden[i : i + 864].sum() for i in range(len(exam.hidden) - 863)]
    assert exam.hidden[rows].sum() == max(counts)


# --- The examples ---------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "script", sorted(EXAMPLES.glob("[0-9]*.py")), ids=lambda p: p.stem
)
def test_example_runs(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(script), "0.02"])
    runpy.run_path(str(script), run_name="__main__")
    said = capsys.readouterr().out
    assert said
    if "plotting" in script.read_text(encoding="utf-8"):
        page = re.search(r"picture: (.*)", said)
        assert page is not None
        assert Path(page[1]).stat().st_size > 1_000_000
