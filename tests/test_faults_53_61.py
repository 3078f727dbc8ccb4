"""Faults 53 to 61 of the list in docs/faults.md: sizes and requests."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from faults import Case
from small import NAN, N, frame

NO_COUNTS = [0, -1, 1.5, 2.0, True, "3", NAN]


def test_fault_53_a_series_shorter_than_the_window(case: Case) -> None:
    """The window shrinks in fit with a warning; shorter data are answered."""
    with pytest.warns(UserWarning, match=r"window=100 is longer.*shrinks to 60 row"):
        model = case.new(window=100).fit(frame())
    assert model.model_.n_steps == N
    case.answer(model, frame())
    case.answer(model, frame().iloc[:40])


def test_fault_54_a_horizon_longer_than_trained(pair: dict[str, Any]) -> None:
    """Paths are rolled forward; spread does not shrink with the steps ahead."""
    band = pair["forecaster"].predict_interval(15)
    width = np.asarray(band["b-hi-90"] - band["b-lo-90"])
    assert len(width) == 15
    assert width[10:].mean() > 0.8 * width[:3].mean() > 0


@pytest.mark.parametrize("h", NO_COUNTS)
def test_fault_55_horizons_that_are_no_count(h: Any, pair: dict[str, Any]) -> None:
    """An error in fit and at every question; whole numbers of numpy will do."""
    model = pair["forecaster"]
    for ask in (model.predict, model.predict_interval, model.sample):
        with pytest.raises(ValueError, match="h must be a whole number of at least 1"):
            ask(h)
    unfitted = type(model)(horizon=h)
    with pytest.raises(ValueError, match="horizon must be a whole number of at least"):
        unfitted.fit(frame())
    assert len(model.predict(np.int64(2))) == 2


def test_fault_56_numbers_of_samples_and_levels(case: Case) -> None:
    """Counts below 1, levels outside (0, 1) and duplicates are an error; 1 is a count.

    Numbers of numpy will do, and levels come in any order.
    """
    data = {"X" if case.fills else "y": frame()}
    for n in (0, -1, 2.0, "3", True, None):
        message = f"n_samples must be a whole number of at least 1, got {n!r}"
        with pytest.raises(ValueError, match=message):
            case.fitted.sample(**data, n_samples=n)
    for n in (1, np.int64(2), np.uint8(3)):
        assert len(case.fitted.sample(**data, n_samples=n)) == n
    for level in (0, 1, -0.1, 1.5, [0.1, 0.1], [], [[0.5]], NAN):
        with pytest.raises(ValueError, match="alpha"):
            case.fitted.predict_quantiles(**data, alpha=level)
        with pytest.raises(ValueError, match="coverage"):
            case.fitted.predict_interval(**data, coverage=level)
    mixed = case.fitted.predict_quantiles(**data, alpha=[0.9, 0.1])
    assert (mixed["b-q-0.1"] <= mixed["b-q-0.9"]).all()


def test_fault_57_draws_that_would_fill_the_memory(case: Case) -> None:
    """An error gives the memory they would take, before any work."""
    data = {"X" if case.fills else "y": frame()}
    with pytest.raises(ValueError, match=r"100,000,000 samples of \d .* take \d.\d GB"):
        case.fitted.sample(**data, n_samples=100_000_000)


@pytest.mark.parametrize("ids", [(3, 1), ("u", "ü v"), (2.5, 1.5)])
def test_fault_58_ragged_series_and_odd_ids(ids: tuple[Any, Any], case: Case) -> None:
    """Any names will do, new ones too; one without a name is an error."""
    X = frame()
    many = pd.concat({ids[0]: X, ids[1]: X.iloc[:25]}, names=["unique_id", "time"])
    for answer in (case.learns(many), case.answer(case.fitted, many)):
        assert list(answer.index.unique(0)) == list(ids)
    nameless = X.set_axis(pd.MultiIndex.from_arrays([["u", None] * 30, X.index]))
    message = r"series of row\(s\) 1, 3, .* has no name"
    case.refuses(nameless, ValueError, message)
    twice = pd.concat([many, many.loc[[ids[1]]]])
    case.refuses(twice, ValueError, r"Stamps occur more than once: .* of ")


@pytest.mark.parametrize("batch_size", [1, 100, np.int64(3)])
def test_fault_59_batches_of_any_size(batch_size: int, case: Case) -> None:
    """A batch of one will do, and one larger than the data."""
    case.learns(frame(), batch_size=batch_size)


#: What each parameter may not be.
WRONG: dict[str, list[Any]] = {
    **{name: [-1] for name in ("window", "max_epochs")},
    **{name: [0] for name in ("batch_size", "patch_length")},
    "width": [-1, 8.0],
    "depth": [-1, True],
    "n_steps": [0, None],
    "learning_rate": [-0.1, NAN, "fast"],
    "max_minutes": [0],
    "validation_fraction": [1.0, None],
    "mask_mix": [
        *({"random": -1.0}, {"random": 0.0}, {"random": "much"}),
        *({"other": 1.0}, {}, ["random"]),
    ],
    "warm_start": ["yes"],
    "insert_absent": [1],
    "checkpoint_path": [3, "", True],
    "device": ["gpu", "", None, 0, "cpu:1"],
    "verbose": [-1, "loud"],
}


@pytest.mark.parametrize("parameter", WRONG)
def test_fault_60_invalid_parameters(parameter: str, case: Case) -> None:
    """An error in fit names the parameter; the constructor only stores it."""
    for value in WRONG[parameter]:
        model = case.new(**{parameter: value})
        with pytest.raises(ValueError, match=parameter):
            model.fit(frame())
        assert not [name for name in vars(model) if name.endswith("_")]


def test_fault_60_invalid_parameters_set_after_the_fit(case: Case) -> None:
    """An error in use names the parameter; so it is with the imputer's max_gap."""
    late = copy.copy(case.fitted).set_params(n_steps=0)
    with pytest.raises(ValueError, match="n_steps must be"):
        case.draws(late, frame())
    late.set_params(n_steps=8)
    for max_gap in (0, -3, 2.5, "soon", "-2h", pd.NaT) if case.fills else ():
        late.set_params(max_gap=max_gap)
        for ask in (case.new(max_gap=max_gap).fit, late.transform):
            with pytest.raises(ValueError, match="max_gap"):
                ask(frame())


def test_fault_61_kinds_of_random_state(case: Case) -> None:
    """Whole numbers, generators of both kinds and None; anything else is an error."""
    good = [np.int64(3), 2**63 - 1, None]
    good += [np.random.default_rng(0), np.random.RandomState(0)]
    for state in good:
        assert np.isfinite(case.draws(case.fitted, frame(), random_state=state)).all()
    case.learns(frame(), random_state=good[-1])
    for state in (0.5, -1, 2**64, "seed"):
        with pytest.raises(ValueError, match="random_state"):
            case.new(random_state=state).fit(frame())
