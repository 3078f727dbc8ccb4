"""The imputer's answers: every kind of data in and out, and their laws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import HOURS, NAN, N, frame, tiny

from tsdiff import DiffusionImputer, from_long, to_long

FREQS = ["s", "min", "5min", "30min", "h", "D", "B", "W", "ME", "MS", "QE", "YE"]


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny(max_epochs=3).fit(frame())


def panel_frame() -> pd.DataFrame:
    """Two series with ids, the second shorter, rows interleaved."""
    X = frame()
    many = pd.concat({"v": X, "u": X.iloc[:40]}, names=["unique_id", "ds"])
    return many.sort_index(level=1, sort_remaining=False)


def as_array(answer: Any) -> np.ndarray:
    return np.asarray(answer, dtype=float)


# --- kinds in, kinds out --------------------------------------------------------------


def test_a_wide_frame_comes_back_with_its_observed_cells_bit_for_bit(
    fitted: DiffusionImputer,
) -> None:
    X = frame()
    X.iloc[0, 0] = -0.0
    X["a"] = X["a"].astype("float32")
    before = X.copy()
    filled = fitted.transform(X)
    pd.testing.assert_frame_equal(X, before)
    assert list(filled.dtypes) == [np.float32, np.float64]
    pd.testing.assert_index_equal(filled.index, X.index, exact=True)
    for name in X:
        seen = X[name].notna().to_numpy()
        got, given = filled[name].to_numpy(), X[name].to_numpy()
        assert got[seen].tobytes() == given[seen].tobytes()
        assert np.isfinite(got[~seen]).all()


def test_a_series_an_array_and_a_frame_have_the_same_answers() -> None:
    X = frame().reset_index(drop=True)[["b"]]
    expected = tiny().fit(X).transform(X)["b"]
    series = tiny().fit(X["b"]).transform(X["b"])
    pd.testing.assert_series_equal(series, expected)
    array = tiny().fit(X.to_numpy()).transform(X.to_numpy())
    np.testing.assert_array_equal(array[:, 0], expected)
    bands = tiny().fit(X["b"]).predict_interval(X["b"])
    assert isinstance(bands, pd.DataFrame)
    nameless = tiny().fit(X["b"].rename(None))
    assert nameless.transform(X["b"].rename(None)).name is None
    assert nameless.predict_interval(X["b"].rename(None)).columns[0] == "x0-lo-90"


def test_three_dimensions_are_many_series() -> None:
    table = np.stack([frame().to_numpy(), frame().to_numpy()[::-1] + 1])
    imputer = tiny().fit(table)
    filled = imputer.transform(table)
    assert filled.shape == table.shape
    index = pd.MultiIndex.from_product([range(2), range(N)], names=["unique_id", "ds"])
    X = pd.DataFrame(table.reshape(-1, 2), index, ["x0", "x1"])
    np.testing.assert_array_equal(
        tiny().fit(X).transform(X).to_numpy().reshape(table.shape), filled
    )
    assert imputer.predict_quantiles(table, [0.1, 0.9]).shape == (2, N, 4)
    draws = imputer.sample(table, 4)
    assert next(iter(draws)).shape == table.shape


def test_many_series_come_back_in_the_callers_order() -> None:
    X = panel_frame()
    imputer = tiny().fit(X)
    filled = imputer.transform(X)
    pd.testing.assert_index_equal(filled.index, X.index)
    alone = imputer.transform(X.xs("u"))
    # to rounding: windows are computed together with those of other series
    np.testing.assert_allclose(filled.xs("u"), alone, atol=1e-5)


def test_series_with_other_ids_are_welcome() -> None:
    X = panel_frame()
    imputer = tiny().fit(X)
    renamed = X.rename(index={"u": "new", "v": "newer"}, level=0)
    np.testing.assert_array_equal(imputer.transform(renamed), imputer.transform(X))


def test_long_frames_there_and_back() -> None:
    X = panel_frame().sort_index()
    long = to_long(X)
    filled = to_long(tiny().fit(from_long(long)).transform(from_long(long)))
    assert filled.columns.tolist() == ["unique_id", "ds", "a", "b"]
    pd.testing.assert_frame_equal(filled, to_long(tiny().fit(X).transform(X)))


def test_polars_in_polars_out_for_every_answer() -> None:
    pl = pytest.importorskip("polars")
    X = pl.from_pandas(frame().reset_index())
    imputer = tiny().fit(X)
    bands = imputer.predict_interval(X)
    assert bands.columns == ["time", "a-lo-90", "a-hi-90", "b-lo-90", "b-hi-90"]
    for answer in (bands, imputer.transform(X), imputer.sample(X, 2).median()):
        assert isinstance(answer, pl.DataFrame)
        assert answer["time"].equals(X["time"])
    long = imputer.sample(X, 2).to_frame("long")
    assert isinstance(long, pl.DataFrame)
    plain = X.drop("time")  # rows are numbered
    assert tiny().fit(plain).transform(plain).columns == ["a", "b"]


@pytest.mark.parametrize("freq", FREQS)
@pytest.mark.parametrize("tz", [None, "America/New_York"])
def test_every_frequency_keeps_its_index(freq: str, tz: str | None) -> None:
    index = pd.date_range("2024-03-08", periods=N, freq=freq, tz=tz, name="t")
    filled = tiny().fit_transform(frame(index))
    pd.testing.assert_index_equal(filled.index, index, exact=True)
    assert filled.index.freq == index.freq
    assert filled.notna().to_numpy().all()


@pytest.mark.parametrize("freq", ["min", "h", "D", "W", "M", "Q", "Y"])
def test_every_period_keeps_its_index(freq: str) -> None:
    index = pd.period_range("2024-03-08", periods=N, freq=freq, name="t")
    filled = tiny().fit_transform(frame(index))
    pd.testing.assert_index_equal(filled.index, index, exact=True)


def test_irregular_stamps_are_measured_in_the_step_of_the_fit() -> None:
    rng = np.random.default_rng(0)
    stamps = HOURS[0] + pd.to_timedelta(np.cumsum(rng.integers(30, 90, N)), "min")
    X = frame(stamps)
    imputer = tiny().fit(X)
    assert imputer.schema_.freq is None
    median = np.median(np.diff(stamps).astype("m8[s]").astype(float))
    assert imputer.schema_.step == pytest.approx(median)
    part = X.iloc[[28, 29, 30, 33, 36]]  # its own median step is longer
    panel = imputer.schema_.read(imputer, part)
    hours = (part.index - part.index[0]).total_seconds()
    np.testing.assert_allclose(panel.elapsed, hours / median)
    filled = imputer.transform(part)
    pd.testing.assert_index_equal(filled.index, part.index)
    regular = frame().iloc[28:34]  # a regular grid is told in that step, too
    panel = imputer.schema_.read(imputer, regular)
    np.testing.assert_allclose(panel.elapsed, np.arange(6) * 3600 / median)


def test_absent_stamps_become_rows_on_request() -> None:
    X = frame().drop(HOURS[[20, 21, 40]])
    imputer = tiny(freq="h", insert_absent=True).fit(X)
    filled = imputer.transform(X)
    assert filled.index.equals(HOURS)
    observed = X.stack().dropna()
    pd.testing.assert_series_equal(filled.stack()[observed.index], observed)
    assert imputer.sample(X, 2).median().index.equals(HOURS)
    where = filled.isna()
    where.loc[HOURS[20]] = True
    part = imputer.predict_quantiles(X, 0.5, where=where)
    assert part.loc[HOURS[20]].notna().all()
    assert part.loc[HOURS[21]].isna().all()


# --- answers agree with each other ----------------------------------------------------


def test_the_median_of_draws_is_the_answer_of_transform(
    fitted: DiffusionImputer,
) -> None:
    X = frame()
    draws = fitted.sample(X, 2000)
    spread = fitted.predict_interval(X, 0.5)
    for name in X:
        width = spread[f"{name}-hi-50"] - spread[f"{name}-lo-50"]
        error = (draws.median()[name] - fitted.transform(X)[name]).abs()
        # the median of 2,000 draws is off by 0.0166 widths (one sigma) near a normal
        assert (error <= 0.07 * width + 1e-9).all()


def test_intervals_are_quantiles_and_level_is_coverage_in_percent(
    fitted: DiffusionImputer,
) -> None:
    X = frame()
    bands = fitted.predict_interval(X, [0.5, 0.9])
    quantiles = fitted.predict_quantiles(X, [0.25, 0.75, 0.05, 0.95])
    assert bands.columns[:4].tolist() == ["a-lo-50", "a-hi-50", "a-lo-90", "a-hi-90"]
    assert quantiles.columns[:2].tolist() == ["a-q-0.25", "a-q-0.75"]
    np.testing.assert_allclose(bands, quantiles, rtol=0, atol=1e-9)
    pd.testing.assert_frame_equal(fitted.predict_interval(X, level=[50, 90]), bands)
    pd.testing.assert_frame_equal(
        fitted.predict_interval(X, level=90), fitted.predict_interval(X)
    )
    median = fitted.predict_quantiles(X, 0.5).set_axis(X.columns, axis=1)
    pd.testing.assert_frame_equal(median, fitted.transform(X))


def test_quantiles_do_not_cross(fitted: DiffusionImputer) -> None:
    levels = np.linspace(0.01, 0.99, 21)
    table = as_array(fitted.predict_quantiles(frame()[["a", "b"]], levels))
    assert (np.diff(table.reshape(N, 2, 21), axis=2) >= 0).all()


def test_where_answers_only_the_cells_it_marks(fitted: DiffusionImputer) -> None:
    X = frame()
    where = X.isna()
    where.iloc[:20] = False
    part = fitted.predict_interval(X, where=where)
    full = fitted.predict_interval(X)
    assert part.iloc[8:11, :2].isna().to_numpy().all()
    pd.testing.assert_frame_equal(part.iloc[11:], full.iloc[11:])
    draws = fitted.sample(X, 3, where=where.to_numpy())
    assert draws.samples.shape == (3, 4)
    expected = fitted.sample(X, 3).samples[:, 3:]
    np.testing.assert_allclose(draws.samples, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("where", "message"),
    [
        (np.ones((N, 2)), "where must hold booleans, got dtype float64"),
        (np.zeros((2, N), dtype=bool), r"where has shape \(2, 60\), but .* \(60, 2\)"),
        (np.zeros(N, dtype=bool), r"where has shape \(60,\)"),
        (frame().notna(), r"113 cell\(s\) that are observed.*'a', row 2024-03-04 00"),
    ],
)
def test_marks_that_fit_no_cells(
    where: Any, message: str, fitted: DiffusionImputer
) -> None:
    with pytest.raises(ValueError, match=message):
        fitted.sample(frame(), 2, where=where)


def test_where_follows_the_callers_order_of_rows() -> None:
    X = panel_frame()
    imputer = tiny().fit(X)
    where = X.isna()
    where.loc[where.index.get_level_values(0) == "u"] = False
    part = imputer.predict_quantiles(X, 0.5, where=where)
    assert part.xs("v").notna().to_numpy().all()
    assert (part.xs("u").isna().to_numpy() == X.xs("u").isna().to_numpy()).all()


@pytest.mark.parametrize(
    "max_gap", [2, np.int64(2), "2h", "130min", pd.Timedelta("2h")]
)
def test_gaps_that_are_too_long_stay_and_are_reported(max_gap: Any) -> None:
    X = frame()
    imputer = tiny(max_gap=max_gap).fit(X)
    message = r"1 gap\(s\) longer than max_gap=.* 'a' from 2024-03-04 08:.* \(3 rows\)"
    with pytest.warns(UserWarning, match=message) as caught:
        filled = imputer.transform(X)
    assert caught[0].filename == __file__  # not scikit-learn's wrapper
    assert filled["a"].isna().to_numpy().nonzero()[0].tolist() == [8, 9, 10]
    assert filled["b"].notna().all()
    with pytest.warns(UserWarning, match="stay NaN"):
        draws = imputer.sample(X, 3)
    assert draws.samples.shape == (3, 4)
    with pytest.warns(UserWarning, match="stay NaN"):
        assert imputer.predict_interval(X).iloc[8, :2].isna().all()


def test_gaps_in_time_are_measured_in_real_time_where_stamps_are_irregular() -> None:
    hours = np.cumsum(np.where(np.arange(N) % 10 == 9, 5.0, 1.0))
    X = pd.Series(np.sin(hours), HOURS[0] + pd.to_timedelta(hours, "h"), name="y")
    X.iloc[[15, 29]] = NAN  # an hour to both sides; and five hours to one
    imputer = tiny(max_gap="4h").fit(X)
    with pytest.warns(UserWarning, match=r"1 gap\(s\) longer.*\(1 rows\)"):
        filled = imputer.transform(X)
    assert filled.isna().to_numpy().nonzero()[0].tolist() == [29]


def test_a_longest_gap_in_time_needs_rows_with_time() -> None:
    X = frame().reset_index(drop=True)
    with pytest.raises(ValueError, match="'2h' is a time, but the rows are numbered"):
        tiny(max_gap="2h").fit(X)


def test_other_rows_than_those_of_the_fit_are_answered(
    fitted: DiffusionImputer,
) -> None:
    X = frame(HOURS + pd.Timedelta("365D")).iloc[5:50] * 0.9
    assert fitted.transform(X).notna().to_numpy().all()
