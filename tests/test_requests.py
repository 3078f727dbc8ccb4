"""Parameters and requests out of range, and its ends; numbers as in test_bad_input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from small import NAN, answers, frame, tiny

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny().fit(frame())


@pytest.mark.parametrize("n_samples", [0, -1, 2.0, "3", True, None])
def test_56_numbers_of_samples(n_samples: Any, fitted: DiffusionImputer) -> None:
    message = f"n_samples must be a whole number of at least 1, got {n_samples!r}"
    with pytest.raises(ValueError, match=message):
        fitted.sample(frame(), n_samples)


@pytest.mark.parametrize("n_samples", [1, np.int64(2), np.uint8(3)])
def test_55_56_numbers_of_samples_of_numpy(
    n_samples: Any, fitted: DiffusionImputer
) -> None:
    assert len(fitted.sample(frame(), n_samples)) == n_samples


@pytest.mark.parametrize("levels", [0, 1, -0.1, 1.5, [0.1, 0.1], [], [[0.5]], NAN])
def test_56_levels(levels: Any, fitted: DiffusionImputer) -> None:
    for ask in (fitted.predict_quantiles, fitted.predict_interval):
        with pytest.raises(ValueError, match=r"alpha|coverage"):
            ask(frame(), levels)


def test_57_draws_that_would_fill_the_memory_are_refused(
    fitted: DiffusionImputer,
) -> None:
    with pytest.raises(ValueError, match=r"100,000,000 samples of 7 .* take 5.6 GB"):
        fitted.sample(frame(), 100_000_000)


def test_58_ragged_series_with_any_ids(fitted: DiffusionImputer) -> None:
    X = frame()
    for ids in ((3, 1), ("u", "ü v"), (2.5, 1.5)):
        parts = {ids[0]: X, ids[1]: X.iloc[:25]}
        many = pd.concat(parts, names=["unique_id", "time"])
        filled = answers(tiny().fit(many), many)
        pd.testing.assert_index_equal(filled.index, many.index)
        pd.testing.assert_index_equal(answers(fitted, many).index, many.index)


@pytest.mark.parametrize("batch_size", [1, 1000, np.int64(3)])
def test_59_batches_of_any_size(batch_size: int) -> None:
    answers(tiny(batch_size=batch_size).fit(frame()), frame())


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        *((name, -1) for name in ("window", "width", "depth", "max_epochs")),
        *((name, 0) for name in ("n_steps", "batch_size", "patch_length")),
        ("n_steps", None),
        ("width", 8.0),
        ("depth", True),
        ("learning_rate", -0.1),
        ("learning_rate", NAN),
        ("learning_rate", "fast"),
        ("max_minutes", 0),
        ("validation_fraction", 1.0),
        ("validation_fraction", None),
        ("mask_mix", {"random": -1.0}),
        ("mask_mix", {"random": 0.0}),
        ("mask_mix", {"other": 1.0}),
        ("mask_mix", {}),
        ("mask_mix", ["random"]),
        ("mask_mix", {"random": "much"}),
        ("max_gap", 0),
        ("max_gap", -3),
        ("max_gap", 2.5),
        ("max_gap", "soon"),
        ("max_gap", "-2h"),
        ("max_gap", pd.NaT),
        ("warm_start", "yes"),
        ("insert_absent", 1),
        ("verbose", -1),
        ("verbose", "loud"),
        ("random_state", 0.5),
        ("random_state", -1),
        ("random_state", 2**64),
        ("random_state", "seed"),
    ],
)
def test_60_61_parameters_are_checked_in_fit(parameter: str, value: Any) -> None:
    imputer = tiny(**{parameter: value})
    with pytest.raises(ValueError, match=parameter):
        imputer.fit(frame())
    assert not hasattr(imputer, "model_")


@pytest.mark.parametrize(
    "random_state",
    [
        np.int64(3),
        2**63 - 1,
        np.random.default_rng(0),
        np.random.RandomState(0),
        None,
    ],
)
def test_61_every_kind_of_random_state(random_state: Any) -> None:
    answers(tiny(random_state=random_state).fit(frame()), frame())


def test_60_parameters_set_after_the_fit_are_checked_in_use() -> None:
    imputer = tiny().fit(frame()).set_params(n_steps=0)
    with pytest.raises(ValueError, match="n_steps must be"):
        imputer.sample(frame(), 2)
    with pytest.raises(ValueError, match="max_gap must be at least 1 row, got 0"):
        imputer.set_params(max_gap=0).transform(frame())
