"""Pictures of what is missing and of noise becoming data say the data's numbers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tsdiff import plotting
from tsdiff.missingness import little_test
from tsdiff.panel.frame import to_panel
from tsdiff.trace import Trace

HOURS = pd.date_range("2024-03-01", periods=60, freq="h")
EVIL = "<img src=x onerror=alert(1)></script> %{y} $x^2$"


def holed(names=("a", "b", "c"), seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(60, len(names))), HOURS, list(names))
    X.iloc[10:14, 0] = X.iloc[12:20, 1] = X.iloc[30, 0] = X.iloc[50, 1] = np.nan
    return X


def traced(X, n_frames=6, n_samples=20, seed=1):
    panel = to_panel(X)
    cells = np.flatnonzero(np.isnan(panel.values))
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(3, n_samples, len(cells))) * [[[5]], [[2]], [[1]]]
    return Trace.between(panel, points, cells, n_frames)


class TestMissingness:
    def test_every_cell_and_gap_is_shown(self):
        X = holed()
        figure = plotting.plot_missingness(X)
        where, gaps, together = figure.data
        np.testing.assert_array_equal(where.z, X.isna().to_numpy().T)
        assert list(pd.to_datetime(where.x)) == list(X.index)
        assert dict(zip(gaps.x, gaps.y, strict=True)) == {"1": 2, "4-7": 1, "8-15": 1}
        assert figure.layout.title.text == "7.78 % of 180 cells are missing"
        expected = [[1, 2 / 5, 0], [2 / 9, 1, 0], [np.nan] * 3]
        np.testing.assert_allclose(together.z, expected)
        assert "<b>40.0%</b>" in together.customdata[0][1]

    def test_the_subtitle_says_what_littles_test_finds(self):
        X = holed()
        said = plotting.plot_missingness(X).layout.title.subtitle.text
        said = said.replace("<br>", " ")
        assert f"p = {little_test(X).p_value:.2g} " in said
        assert "too often" in said
        lone = plotting.plot_missingness(X[["a"]]).layout.title.subtitle.text
        assert "does not apply" in lone
        whole = plotting.plot_missingness(X.fillna(0.0)).layout.title.subtitle.text
        assert whole == "Nothing is missing."

    def test_long_data_are_thinned_and_no_hole_is_lost(self):
        y = np.zeros((100_000, 2))
        y[777, 1] = np.nan
        figure = plotting.plot_missingness(y)
        share = np.asarray(figure.data[0].z)
        assert share.shape == (2, 400)
        assert np.flatnonzero(share[1]).tolist() == [777 // 250]
        assert share[1].max() == 1 / 250
        scale = [step[0] for step in figure.data[0].colorscale]
        assert scale[1] < share[1].max()  # the least share has a colour of its own

    def test_series_have_stripes_of_their_own(self):
        X = pd.concat({"s": holed(), "t": holed()[::2]}, names=["unique_id", "ds"])
        where = plotting.plot_missingness(X).data[0]
        assert list(where.y) == ["s a", "s b", "s c", "t a", "t b", "t c"]
        other = holed()["b"].isna().to_numpy().astype(float)
        other[1::2] = np.nan  # no such rows
        np.testing.assert_array_equal(where.z[4], other)


class TestDenoising:
    def test_frames_hold_the_numbers_of_the_trace(self):
        X = holed()
        trace = traced(X)
        figure = plotting.plot_denoising(trace, paths=2, coverage=0.8)
        moving = [k for k, line in enumerate(figure.data) if line.name != "observed"]
        gap = X["b"].isna().to_numpy()
        for k, frame in enumerate(figure.frames):
            assert list(frame.traces) == moving
            lines = dict(zip(moving, frame.data, strict=True))
            mine = [n for n in moving if figure.data[n].yaxis == "y2"]
            band, one, two, median = (np.asarray(lines[n].y) for n in mine)
            table = trace[k].quantile([0.1, 0.5, 0.9])[gap]
            x = pd.to_datetime(figure.data[mine[-1]].x)
            inside = np.isin(x, X.index[gap])
            np.testing.assert_allclose(median[inside], table["b-q-0.5"], rtol=1e-6)
            for path, drawn in zip((one, two), trace[k], strict=False):
                np.testing.assert_allclose(path[inside], drawn["b"][gap], rtol=1e-6)
            assert np.nanmin(band) == pytest.approx(
                min(table["b-q-0.1"].min(), X["b"].iloc[[11, 20, 49, 51]].min())
            )
        first = [np.asarray(figure.data[n].y) for n in moving]
        for line, drawn in zip(figure.frames[0].data, first, strict=True):
            np.testing.assert_array_equal(line.y, drawn)

    def test_observed_points_and_axes_stay(self):
        X = holed()
        figure = plotting.plot_denoising(traced(X))
        seen = [line for line in figure.data if line.name == "observed"]
        for line, name in zip(seen, X, strict=False):
            y = np.asarray(line.y)
            np.testing.assert_array_equal(y[~np.isnan(y)], X[name].dropna())
        for axis, row in ((figure.layout.yaxis, "y"), (figure.layout.yaxis2, "y2")):
            low, high = axis.range
            for frame in figure.frames:
                for k, line in zip(frame.traces, frame.data, strict=True):
                    if figure.data[k].yaxis == row:
                        assert low < np.nanmin(line.y)
                        assert np.nanmax(line.y) < high
        assert len(figure.layout.sliders[0].steps) == 6

    def test_a_forecast_goes_on_from_its_history(self):
        X = holed().iloc[:, :2].fillna(0.0)
        future = X.iloc[-3:] * np.nan
        figure = plotting.plot_denoising(traced(future), X.iloc[:-3])
        line = next(t for t in figure.data if t.name == "median")
        assert pd.Timestamp(line.x[0]) == HOURS[-4]
        assert line.y[0] == pytest.approx(X["a"].iloc[-4])
        assert len(line.x) == 4

    def test_what_does_not_move_is_refused(self):
        X = holed()
        with pytest.raises(ValueError, match="no missing cell"):
            plotting.plot_denoising(traced(X.fillna(0)))
        with pytest.raises(ValueError, match="channel 'c'"):
            plotting.plot_denoising(traced(X), channels=["c"])
        with pytest.raises(ValueError, match="'d' cannot be drawn"):
            plotting.plot_denoising(traced(X), channels=["d"])

    def test_a_long_film_stays_small(self):
        """60 frames of 3 channels of 500 rows, all of them missing but two."""
        X = pd.DataFrame(np.nan, pd.RangeIndex(500), list("abc"))
        X.iloc[[0, -1]] = 1.0
        figure = plotting.plot_denoising(traced(X, n_frames=60))
        assert len(figure.frames) == 60
        assert len(figure.to_html(include_plotlyjs=False)) < 6e6


def test_hostile_names_and_no_upload():
    X = holed((EVIL, "x" * 300))
    for figure in (plotting.plot_missingness(X), plotting.plot_denoising(traced(X))):
        page = json.dumps(figure.to_plotly_json(), default=lambda value: str(value))
        assert "<img" not in page
        assert "%{y} $" not in page
        assert "sendChartToCloud" in figure.layout.modebar.remove
