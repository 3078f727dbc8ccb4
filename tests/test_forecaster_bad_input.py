"""Forecasts that can't be given are refused in words, and nothing is half-fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from test_forecaster import DAYS, NAN, H, N, covariates, frame, panel, quick

from tsdiff import DiffusionForecaster


@pytest.fixture(scope="module")
def aided() -> DiffusionForecaster:
    return quick().fit(frame(), covariates())


@pytest.fixture(scope="module")
def plain() -> DiffusionForecaster:
    return quick(freq="D").fit(panel())


# --- horizons -------------------------------------------------------------------------


def test_nothing_is_answered_before_a_fit() -> None:
    for ask in (quick().predict, quick().sample, quick().as_imputer):
        with pytest.raises(NotFittedError):
            ask()
    with pytest.raises(NotFittedError):
        quick().save("nowhere")


# --- data of a fit --------------------------------------------------------------------

WITHOUT_ROW = covariates().drop(DAYS[[5, 6]])
REFUSED: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "irregular": (
        frame().drop(DAYS[7]),
        None,
        ValueError,
        r"no regular step.*Give freq=.*insert_absent=True",
    ),
    "text index": (
        frame(pd.Index([f"row {i}" for i in range(N)])),
        None,
        TypeError,
        r"The index is no time",
    ),
    "nothing observed": (frame() * NAN, None, ValueError, r"No cell is observed"),
    "duplicate stamps": (
        frame(DAYS[[0, *range(N - 1)]]),
        None,
        ValueError,
        r"Stamps occur more than once",
    ),
    "duplicate series": (
        pd.concat([panel(), panel().loc[["young"]]]),
        None,
        ValueError,
        r"Stamps occur more than once: .* of 'young'",
    ),
    "no rows": (frame().iloc[:0], None, ValueError, r"0 sample\(s\)"),
    "series without rows": (np.ones((2, 0, 3)), None, ValueError, r"0 sample\(s\)"),
    "X without rows": (
        frame(),
        WITHOUT_ROW,
        ValueError,
        r"X lacks 2 stamp\(s\) of y: 2024-01-06.*, 2024-01-07.*column\(s\) 'price'",
    ),
    "X in another zone": (
        frame(),
        covariates().tz_localize("UTC"),
        ValueError,
        r"X have time zone UTC, those of y None",
    ),
    "X without stamps": (
        frame(),
        covariates().reset_index(drop=True),
        ValueError,
        r"X are labelled by numbers, those of y by dates",
    ),
    "X with duplicates": (
        frame(),
        pd.concat([covariates(), covariates()]).sort_index(),
        ValueError,
        r"Stamps occur more than once",
    ),
    "X with a target": (
        frame(),
        covariates().rename(columns={"price": "a"}),
        ValueError,
        r"Column\(s\) 'a' of X have the name of a column of y",
    ),
    "X of other series": (
        panel(),
        pd.concat({"b": covariates()}),
        ValueError,
        r"X has no rows of series 'a', 'young'",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_data_that_can_not_be_learned_from(case: str) -> None:
    y, X, error, message = REFUSED[case]
    model = quick()
    with pytest.raises(error, match=message):
        model.fit(y, X)
    assert not [name for name in vars(model) if name.endswith("_")]


def test_a_freq_that_contradicts() -> None:
    with pytest.raises(ValueError, match=r"freq='W-SUN' contradicts the index"):
        quick(freq="W").fit(frame())
    with pytest.raises(ValueError, match=r"1357 stamp\(s\) of freq='h' are absent"):
        quick(freq="h").fit(frame())


@pytest.mark.parametrize(
    ("static", "message"),
    [
        (pd.DataFrame({"size": [1.0, 2.0]}, ["a", "b"]), r"no row of series 'young'"),
        (pd.DataFrame({"size": [1.0] * 4}, [*"aab", "young"]), r"several rows"),
    ],
)
def test_static_features_that_do_not_fit(static: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        quick(freq="D").fit(panel(), static=static)


# --- data to answer -------------------------------------------------------------------


def test_history_unlike_that_of_the_fit(plain: DiffusionForecaster) -> None:
    with pytest.raises(ValueError, match="feature names should match"):
        plain.predict(y=frame().rename(columns={"a": "z"}))
    with pytest.raises(ValueError, match=r"features|feature names"):
        plain.predict(y=frame()[["a"]])
    with pytest.raises(ValueError, match=r"time zone aware .*those of the fit were"):
        plain.predict(y=frame(DAYS[:N].tz_localize("UTC")))
    with pytest.raises(ValueError, match="of the fit are labelled by dates, freq='D'"):
        plain.predict(y=frame().reset_index(drop=True))
    hours = pd.date_range("2024-01-01", periods=N, freq="h")
    with pytest.raises(ValueError, match="freq='D' contradicts the index"):
        plain.predict(y=frame(hours))


def test_covariates_that_lack_stamps_or_columns(aided: DiffusionForecaster) -> None:
    ahead = covariates().iloc[N:]
    late = r"X lacks 1 stamp\(s\) of the rows to forecast: 2024-03-04.*'price', 'shop'"
    with pytest.raises(ValueError, match=late):
        aided.predict(X=ahead.iloc[:-1])
    with pytest.raises(ValueError, match=r"X lacks 2 stamp\(s\) of the rows to fore"):
        aided.predict(h=H + 2)
    with pytest.raises(ValueError, match=r"X lacks column\(s\) 'shop' of the fit"):
        aided.predict(X=ahead.drop(columns="shop"))
    with pytest.raises(ValueError, match=r"column\(s\) 'wind' that the fit had not"):
        aided.predict(X=ahead.assign(wind=1.0))
    with pytest.raises(ValueError, match=r"future of column\(s\) 'price', 'shop', and"):
        aided.predict(y=frame())
    with pytest.raises(ValueError, match=r"X lacks \d+ stamp\(s\) of y: "):
        aided.predict(y=frame(), X=ahead)
    with pytest.raises(ValueError, match=r"X have time zone UTC, those of y None"):
        aided.predict(X=ahead.tz_localize("UTC"))


def test_inputs_that_the_fit_had_not(plain: DiffusionForecaster) -> None:
    with pytest.raises(ValueError, match="X was given, but the model was fitted with"):
        plain.predict(X=covariates())
    with pytest.raises(ValueError, match="static was given, but the model was fitted"):
        plain.predict(static=pd.DataFrame({"size": [1.0]}, ["a"]))


def test_a_damaged_history_is_noticed(
    aided: DiffusionForecaster, tmp_path: Any
) -> None:
    path = tmp_path / "model"
    aided.save(path)
    whole = path.read_bytes()
    place = whole.index(b"past/panel/values")
    for at in (place + 2, len(whole) - 5):
        damaged = bytearray(whole)
        damaged[at] ^= 4
        path.write_bytes(bytes(damaged))
        with pytest.raises(ValueError, match=r"damaged"):
            DiffusionForecaster.load(path)


def test_a_window_that_cannot_hold_the_horizon_is_refused():
    model = DiffusionForecaster(horizon=48, window=16, max_epochs=1, random_state=0)
    with pytest.raises(ValueError, match="window=16 rows must hold more than the"):
        model.fit(np.arange(200.0)[:, None] % 7)


def test_every_draw_is_drawn_although_the_data_are_shorter_than_the_horizon(
    monkeypatch,
):
    """Memory that nobody has written would show as NaN."""
    from tsdiff import answering

    class Filled:
        def __getattr__(self, name):
            return getattr(np, name)

        def empty(self, shape, dtype=float):
            return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 0, dtype)

    monkeypatch.setattr(answering, "np", Filled())
    model = DiffusionForecaster(
        horizon=3, depth=1, width=8, max_epochs=1, random_state=0
    )
    with pytest.warns(UserWarning, match="observed in the best column"):
        model.fit(np.array([[0.0, 1.0, 2.0]]))
    y = np.array([[0.0, 1.0, 2.0], [np.nan] * 3])
    assert np.isfinite(model.sample(y=y, n_samples=3).samples).all()
    assert np.isfinite(model.predict(y=y)).all()
