"""Seeds decide fits and draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
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
