"""The report: its numbers are those of the estimator, and names are but text."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
from faults import weights
from reported import (
    HOURS,
    IMAGE,
    LINK,
    SCRIPT,
    SEEN,
    H,
    Page,
    data,
    forecaster,
    imputer,
)

from tsdiff import DiffusionImputer, report
from tsdiff.baselines import LinearInterpolation, SeasonalNaive
from tsdiff.metrics import pinball
from tsdiff.plotting.bounds import binomial_bounds
from tsdiff.reporting import hidden
from tsdiff.reporting.ahead import try_ahead
from tsdiff.reporting.calibration import calibration, shares
from tsdiff.reporting.cases import cases
from tsdiff.reporting.hidden import try_filling
from tsdiff.reporting.learned import history
from tsdiff.reporting.subject import Subject
from tsdiff.reporting.trial import OURS

FEW = {"n_samples": 5}
ASKED = {
    "covariates": None,
    "static": None,
    "n_samples": 5,
    "template": None,
    "random_state": 0,
}


@pytest.fixture(scope="module")
def X():
    return data()


@pytest.fixture(scope="module")
def fitted(X):
    return imputer(X.iloc[:SEEN])


@pytest.fixture(scope="module")
def page(fitted, X):
    return Page(report(fitted, X, **FEW))


@pytest.fixture(scope="module")
def ahead(X):
    return forecaster(X)


@pytest.fixture(scope="module")
def filling(fitted, X):
    return try_filling(Subject.of(fitted, X, **ASKED))


# --- The page as a whole --------------------------------------------------------------


def test_same_call_same_page_and_nothing_is_altered(fitted, X, tmp_path):
    X, before, state = X.copy(), X.copy(), copy.deepcopy(vars(fitted))
    path = tmp_path / "report.html"
    assert report(fitted, X, path, template="dark", **FEW) == path
    again = report(fitted, X, template="dark", **FEW)
    assert path.read_text(encoding="utf-8") == again
    assert list(tmp_path.iterdir()) == [path]
    pd.testing.assert_frame_equal(X, before)
    assert vars(fitted).keys() == state.keys()
    assert weights(fitted) == b"".join(
        tensor.numpy().tobytes()
        for tensor in state["model_"].network.state_dict().values()
    )


def test_names_are_text_and_no_element_is_theirs(page):
    scripts = [a for tag, a in page.elements if tag == "script"]
    assert len(scripts) == len(page.figures) + 2  # plotly.js and the page's own
    assert not {tag for tag, _ in page.elements} & {"img", "iframe", "link", "form"}
    own = {name for _, attrs in page.elements for name in attrs}
    assert not [name for name in own if name.startswith("on") or name == "src"]
    links = [attrs["href"] for _, attrs in page.elements if "href" in attrs]
    assert links
    assert all(link.startswith("#") for link in links)
    policy = next(a for _, a in page.elements if "http-equiv" in a)["content"]
    assert policy.startswith("default-src 'none'; script-src 'unsafe-inline';")
    assert {SCRIPT, IMAGE} <= {row[0] for row in page.tables["Channels"]}
    for figure in page.figures:
        drawn = str(figure)
        assert "<img" not in drawn
        assert "<script" not in drawn
        assert "%{y} $x$" not in drawn


def test_every_table_names_its_rows_and_columns(page):
    assert len(page.tables) >= 7
    heads = [attrs["scope"] for tag, attrs in page.elements if tag == "th"]
    assert set(heads) == {"row", "col"}
    sections = [attrs["id"] for tag, attrs in page.elements if tag == "section"]
    assert sections[:7] == [
        *("summary", "asked", "data", "fit", "skill", "calibration", "pictures"),
    ]


def test_a_dark_ground_changes_colours_and_no_number(page):
    for held in page.figures:
        paths = [path for path, _ in held["dark"]]
        assert ["layout", "template", "layout", "paper_bgcolor"] in paths
        moved = [path for path in paths if path[-1] in {"x", "y", "z", "text"}]
        assert not moved


# --- Numbers --------------------------------------------------------------------------


def test_channels_and_parameters_are_those_of_frame_and_estimator(page, fitted, X):
    head, *rows = page.tables["Channels"]
    gone = X.isna()
    for row, name in zip(rows, X, strict=True):
        said = dict(zip(head, row, strict=True))
        runs = (gone[name] != gone[name].shift()).cumsum()[gone[name]].value_counts()
        assert said["channel"] == name
        assert said["cells"] == f"{len(X)}"
        assert said["missing"] == f"{100 * gone[name].mean():.3g} %"
        assert (said["gaps"], said["longest gap"]) == (f"{len(runs)}", f"{runs.max()}")
        for word, value in (("smallest", X[name].min()), ("median", X[name].median())):
            assert float(said[word]) == pytest.approx(value, abs=5e-4)
    parameters = {row[0]: row[1:] for row in page.tables["Parameters"]}
    assert {name: row[0] for name, row in parameters.items()} == {
        name: repr(value) for name, value in fitted.get_params().items()
    }
    usual = DiffusionImputer().get_params()
    kept = {name for name, row in parameters.items() if row[1] == "default"}
    assert kept == {n for n, value in fitted.get_params().items() if value == usual[n]}


def test_skill_and_history_are_those_of_the_fit(page, fitted):
    rows = dict(row for row in page.tables["On cells held out of the fit"])
    assert rows["skill (1 - ratio)"] == f"{fitted.skill_['skill']:.4g}"
    assert rows["cells"] == f"{fitted.skill_['n_cells']:,}"
    assert f"{fitted.n_iter_} steps in " in page.text
    assert "all its steps were made (max_epochs=2)" in page.text
    losses = next(f for f in page.figures if "Losses" in str(f["figure"]["layout"]))
    names = [trace["name"] for trace in losses["figure"]["data"]]
    assert names == ["training loss", "velocity loss", "validation CRPS"]


def test_coverage_and_errors_are_of_the_cells_that_were_hidden(
    page, filling, fitted, X
):
    """By hand: every go hidden, asked through the public face, and counted."""
    inside, off, n_cells = [], [], 0
    ours = filling.result.frame.query("model == @OURS")
    for _, own in ours.groupby("repeat"):
        mask = np.zeros(X.shape, dtype=bool)
        mask[X.index.get_indexer(own["ds"]), X.columns.get_indexer(own["channel"])] = 1
        assert not mask[:SEEN].any()  # the fit has seen no row that is scored
        assert (mask & X.isna().to_numpy()).sum() == 0
        shown = X.mask(mask)
        bands = fitted.predict_interval(shown, 0.9, where=mask).to_numpy()
        truth = X.to_numpy()
        inside += [((bands[:, ::2] <= truth) & (truth <= bands[:, 1::2]))[mask]]
        middle = fitted.predict_quantiles(shown, 0.5, where=mask).to_numpy()
        off += [np.abs(middle - truth)[mask & (np.arange(2) == 0)]]
        n_cells += mask.sum()
    share = np.concatenate(inside).mean()
    row = next(
        r for r in page.tables["Share of the truths inside intervals"] if "90 %" in r
    )
    assert row[1] == f"{100 * share:.1f} %"
    low, high = binomial_bounds(np.array(0.9), n_cells)
    assert row[3] == f"{100 * low:.1f} % to {100 * high:.1f} %"
    errors = {tuple(row[:2]): row[2:] for row in page.tables["Errors of each channel"]}
    assert float(errors[SCRIPT, OURS][2]) == pytest.approx(
        np.concatenate(off).mean(), rel=1e-3
    )
    assert errors[SCRIPT, OURS][0] == errors[SCRIPT, "linear interpolation"][0]
    assert "Out of sample" in page.text
    assert "In-sample" not in page.text


def test_cases_are_gaps_and_the_worst_comes_first(page, filling):
    own = filling.result.frame.query("model == @OURS")
    loss = 2 * pinball(
        own["y"].to_numpy(),
        own[[f"q-{k / 20:g}" for k in range(1, 20)]].to_numpy().T,
        np.arange(1, 20) / 20,
    ).mean(axis=0)
    worst, *_, best = filling.cases.itertuples()
    assert worst.score >= filling.cases["score"].median() >= best.score
    name = [SCRIPT, IMAGE][worst.channel]
    first = HOURS[worst.start]
    cells = own[(own["channel"] == name) & (own["repeat"] == worst.fold)]
    gap = cells[(cells["ds"] >= first) & (cells["gap_length"] > 0)].iloc[
        : worst.n_cells
    ]
    crps = loss[np.isin(np.flatnonzero(own["model"] == OURS), gap.index)].mean()
    assert worst.crps == pytest.approx(crps)
    assert filling.cases["n_cells"].sum() == len(own)
    ranks = [rank for rank, _ in filling.chosen()]
    assert ranks == ["Worst", "Second worst", "Median"]
    said, plot = filling.draw(worst)
    assert f"Worst: {said}" in page.text
    figure = plot()
    held = next(trace for trace in figure.data if trace.name == "held out")
    truth = np.asarray(held.y)[np.isin(pd.to_datetime(held.x), gap["ds"])]
    np.testing.assert_array_equal(truth, gap["y"])


def test_a_fit_that_has_seen_all_is_in_sample(X):
    page = Page(report(LinearInterpolation().fit(X), X, **FEW))
    assert "In-sample: the data hold rows of the fit" in page.text
    assert "LinearInterpolation is not trained in steps" in page.text
    assert "keeps no score of its own" in page.text
    assert (
        page.tables["Errors, in units of the channels' spreads"][2][0]
        == "the last value"
    )


def test_a_calibrated_fit_says_so(fitted, X):
    own = copy.copy(fitted).calibrate(X.iloc[SEEN:], pattern="blocks", n_repeats=1)
    page = Page(report(own, X, template="plotly_white", **FEW))
    assert "The answers are calibrated" in page.text
    rows = page.tables[""]
    found = own.calibration_report()
    assert [row[:3] for row in rows[1:]] == [
        [bin_, f"{n:,}", f"{units:,}"]
        for bin_, n, units in zip(
            found["bin"], found["n_cells"], found["n_units"], strict=True
        )
    ]
    assert not any(held["dark"] for held in page.figures)


def test_an_interrupted_fit_says_so(fitted, X):
    own = copy.copy(fitted)
    own.interrupted_ = True
    said = history(Subject.of(own, X, **ASKED | {"template": "dark"}))
    assert 'class="alarm"' in said
    assert "It was interrupted before its end" in said


# --- Forecasts ------------------------------------------------------------------------


def test_a_forecaster_is_tried_from_its_last_origins(ahead, X):
    page = Page(report(ahead, X, **FEW))
    assert "In-sample" in page.text
    assert f"8 origin(s), {H} rows apart" in page.text
    trial = try_ahead(Subject.of(ahead, X, **ASKED))
    inside = []
    for cut in range(len(X) - 8 * H, len(X), H):
        bands = ahead.predict_interval(y=X.iloc[:cut], coverage=0.8).to_numpy()
        truth = X.iloc[cut : cut + H].to_numpy()
        inside.append((bands[:, ::2] <= truth) & (truth <= bands[:, 1::2]))
    seen = X.iloc[-8 * H :].notna().to_numpy()
    share = next(s for s in shares(trial) if s.promised == 0.8)
    assert share.covered == pytest.approx(np.concatenate(inside)[seen].mean())
    assert trial.other == "seasonal naive"
    said, plot = trial.draw(trial.chosen()[0][1])
    assert f"Worst: {said}" in page.text
    figure = plot()
    assert [trace for trace in figure.data if trace.name == "truth"]


def test_origins_behind_the_fit_are_out_of_sample(X):
    model = SeasonalNaive(horizon=H, random_state=0).fit(X.iloc[:SEEN])
    trial = try_ahead(Subject.of(model, X, **ASKED))
    assert trial.known is False
    assert trial.result.frame["cutoff"].min() >= HOURS[SEEN - 1]
    assert trial.other == "ETS"
    longer = SeasonalNaive(horizon=290, random_state=0).fit(X)
    with pytest.raises(ValueError, match="h=290 and gap=0 leave no history"):
        try_ahead(Subject.of(longer, X.iloc[:280], **ASKED))


def test_covariates_and_series_of_a_forecaster(X):
    y = pd.concat({LINK: X.iloc[:80], "b": X.iloc[100:180]}, names=["unique_id", "ds"])
    beside = pd.DataFrame({"week": range(300)}, HOURS)
    model = forecaster(y, X=beside)
    page = Page(report(model, y, covariates=beside, template="dark", **FEW))
    assert f"series {LINK}, " in page.text
    assert "There is no answer" not in page.text
    lacking = Subject.of(model, y, **ASKED | {"covariates": beside.iloc[:180]})
    said = cases(lacking, "nothing was tried")
    assert "There is no answer to be drawn. " in said
    assert "<h3><bdi>Worst" not in said
    assert "nothing was tried" in calibration(lacking, "nothing was tried")


# --- Kinds of data, and faults --------------------------------------------------------


def test_every_kind_of_data(X):
    many = np.stack([X.to_numpy()[:90], X.to_numpy()[150:240]])
    irregular = X.drop(HOURS[[3, 50, 51, 140]])
    unnamed = X.iloc[:, 0].rename(None)
    polars = pytest.importorskip("polars").from_pandas(X.reset_index())
    for kind in (many, irregular, unnamed, polars):
        page = report(
            LinearInterpolation().fit(kind), kind, template="dark", n_samples=2
        )
        assert "Second worst" in page
    whole = Subject.of(LinearInterpolation().fit(X), X.fillna(1.0), **ASKED)
    assert "No cell is missing, so there is nothing to fill." in cases(whole, "")
    assert "in runs of rows" in try_filling(whole).how


def test_long_data_are_looked_at_in_part(X, monkeypatch):
    monkeypatch.setattr(hidden, "_MOST_CELLS", 400)
    trial = try_filling(Subject.of(LinearInterpolation().fit(X), X, **ASKED))
    assert "in the last 200 rows" in trial.how
    assert trial.result.frame["ds"].min() >= HOURS[100]
    many = pd.concat({"a": X, "b": X.iloc[:150]}, names=["unique_id", "ds"])
    trial = try_filling(Subject.of(LinearInterpolation().fit(many), many, **ASKED))
    assert set(trial.result.frame["unique_id"]) == {"b"}


def test_what_the_model_warns_of_stands_in_the_page(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filler = LinearInterpolation(max_gap=6).fit(X)
        page = Page(report(filler, X, template="dark", **FEW))
    assert "longer than max_gap=6 stay NaN" in page.text


def test_what_cannot_be_reported_on_is_refused(fitted, X, tmp_path):
    with pytest.raises(
        TypeError, match="fitted imputer or forecaster of tsdiff, got 3"
    ):
        report(3, X)
    with pytest.raises(
        ValueError, match="This DiffusionImputer instance is not fitted"
    ):
        report(DiffusionImputer(), X)
    with pytest.raises(ValueError, match="an imputer has none"):
        report(fitted, X, covariates=X)
    with pytest.raises(ValueError, match="n_samples must be"):
        report(fitted, X, n_samples=0)
    with pytest.raises(FileNotFoundError, match="no folder"):
        report(fitted, X, tmp_path / "nowhere" / "page.html")
    with pytest.raises(ValueError, match="feature names should match"):
        report(fitted, X.iloc[:, ::-1])
