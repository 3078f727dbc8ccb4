"""Seeds decide draws; generators and settings that are global stay the caller's."""

from __future__ import annotations

import random
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from small import frame, tiny

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny(max_epochs=2).fit(frame())


def weights(imputer: DiffusionImputer) -> bytes:
    state = imputer.model_.network.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


# --- randomness -----------------------------------------------------------------------


def test_an_int_repeats_fit_and_draws_at_every_call() -> None:
    imputer = tiny(random_state=7).fit(frame())
    first, second = (imputer.sample(frame(), 5).samples for _ in range(2))
    np.testing.assert_array_equal(first, second)
    again = tiny(random_state=np.int64(7)).fit(frame())
    assert weights(again) == weights(imputer)
    assert weights(tiny(random_state=8).fit(frame())) != weights(imputer)


@pytest.mark.parametrize(
    "random_state", [None, np.random.default_rng(0), np.random.RandomState(0)]
)
def test_no_seed_or_a_generator_gives_fresh_draws(random_state: Any) -> None:
    imputer = tiny(random_state=random_state).fit(frame())
    first, second = (imputer.sample(frame(), 5).samples for _ in range(2))
    assert (first != second).all()


def test_a_generator_in_the_same_state_gives_the_same() -> None:
    first, second = (
        tiny(random_state=np.random.default_rng(3)).fit(frame()) for _ in range(2)
    )
    assert weights(first) == weights(second)
    draws = [imputer.sample(frame(), 5).samples for imputer in (first, second)]
    np.testing.assert_array_equal(*draws)


def test_the_seed_of_a_call_takes_the_place_of_the_estimators(
    fitted: DiffusionImputer,
) -> None:
    own = fitted.sample(frame(), 5).samples
    other = fitted.sample(frame(), 5, random_state=99).samples
    assert (own != other).all()
    np.testing.assert_array_equal(
        fitted.sample(frame(), 5, random_state=99).samples, other
    )
    np.testing.assert_array_equal(
        fitted.sample(frame(), 5, random_state=fitted.random_state).samples, own
    )


def test_draws_do_not_depend_on_how_many_there_are(fitted: DiffusionImputer) -> None:
    few, many = fitted.sample(frame(), 3).samples, fitted.sample(frame(), 70).samples
    np.testing.assert_allclose(many[:3], few, atol=1e-5)


# --- what belongs to the caller -------------------------------------------------------


def settings() -> list[Any]:
    """Return all that is global and not ours."""
    return [
        random.getstate(),
        np.random.mtrand._rand.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.get_num_threads(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.is_inference_mode_enabled(),
        torch.are_deterministic_algorithms_enabled(),
        np.geterr(),
        list(warnings.filters),
    ]


def everything() -> list[Any]:
    imputer = tiny().fit(frame())
    return [
        imputer.transform(frame()),
        imputer.predict_interval(frame()),
        imputer.sample(frame(), 3).median(),
    ]


@pytest.fixture(scope="module")
def expected() -> list[Any]:
    return everything()


def test_global_generators_and_settings_are_not_touched() -> None:
    before = settings()
    everything()
    assert settings() == before


@pytest.mark.parametrize(
    "context",
    [
        torch.no_grad,
        torch.inference_mode,
        lambda: torch.set_grad_enabled(False),
        lambda: torch.device("meta"),
        lambda: torch.autocast("cpu", torch.bfloat16),
    ],
    ids=["no_grad", "inference_mode", "grad_off", "device", "autocast"],
)
def test_contexts_of_the_caller_change_nothing(context: Any, expected: list) -> None:
    with context():
        before = settings()
        got = everything()
        assert settings() == before
    for one, other in zip(got, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_default_dtype_of_the_caller_changes_nothing(expected: list) -> None:
    torch.set_default_dtype(torch.float64)
    try:
        got = everything()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    for one, other in zip(got, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_deterministic_algorithms_will_do(expected: list) -> None:
    torch.use_deterministic_algorithms(True)
    try:
        got = everything()
    finally:
        torch.use_deterministic_algorithms(False)
    for one, other in zip(got, expected, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_anomaly_detection_will_do() -> None:
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        anomalies = torch.autograd.detect_anomaly()
    with anomalies:
        everything()
