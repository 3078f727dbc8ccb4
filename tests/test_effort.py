"""Effort by need: the error that is let pass is known, met, and never overpaid."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from small import frame, tiny

from tsdiff import DiffusionForecaster, DiffusionImputer, datasets, effort, rolling
from tsdiff.panel.frame import to_panel

NAN = np.nan


class Stub:
    """Draw independent normal values, or the same one always, and remember."""

    def __init__(self, spread: float = 1.0) -> None:
        self.spread, self.asked = spread, []

    def __call__(self, n_samples):
        self.asked.append(n_samples)
        noise = np.random.default_rng(0).standard_normal((2000, 600))
        return self.spread * noise[:n_samples]


@pytest.fixture(scope="module")
def holes():
    """A panel of one channel with 300 gaps of two cells."""
    values = np.tile([0.0, NAN, NAN], 300)[:, None]
    return to_panel(values), np.flatnonzero(np.isnan(values))


@pytest.mark.parametrize("n_samples", [100, 400, 1600])
def test_error_of_quantiles_is_that_of_their_asymptotic_law(n_samples):
    """Var q(p) = p (1 - p) / (S f(q)^2), so the error falls as 1 / sqrt(S)."""
    totals = np.random.default_rng(1).normal(3, 7, (n_samples, 800))
    p = np.array(effort.LEVELS)
    exact = np.sqrt((p * (1 - p) / stats.norm.pdf(stats.norm.ppf(p)) ** 2).mean())
    error = effort.totals_error(totals) * np.sqrt(n_samples)
    assert error == pytest.approx(exact, rel=0.1)


@pytest.mark.parametrize("tolerance", [0.15, 0.08])
def test_paths_are_drawn_until_the_error_is_met_and_no_further(holes, tolerance):
    stub = Stub()
    samples = effort.enough_paths(stub(100), stub, *holes, tolerance)
    exact = (1.87 / tolerance) ** 2  # independent normal totals
    assert len(samples) == pytest.approx(exact, abs=100)
    totals = effort.gap_totals(samples, *holes)
    assert totals.shape[1] == 300
    assert effort.totals_error(totals) <= tolerance
    assert sum(stub.asked) <= 3 * len(samples)


def test_what_has_no_spread_takes_the_fewest_paths(holes):
    stub = Stub(0.0)
    samples = effort.enough_paths(stub(100), stub, *holes, None)
    assert len(samples) == effort.FEWEST


def test_where_the_most_paths_are_not_enough_it_is_said(holes):
    stub = Stub()
    with pytest.warns(UserWarning, match="2,000 paths.* larger tolerance"):
        samples = effort.enough_paths(stub(100), stub, *holes, 0.001)
    assert len(samples) == effort.MOST


@pytest.mark.parametrize("order", [1, 2])
def test_steps_are_the_first_whose_doubling_is_within_the_tolerance(order):
    """Spread (1 + n^-order): quantiles move by n^-order (1 - 2^-order) 1.096."""
    noise = np.random.default_rng(0).standard_normal((50, 32))
    got = effort.enough_steps(lambda n: (1 + n**-order) * noise)
    moved = np.abs(np.quantile(noise, effort.LEVELS, axis=0)).mean()
    moved /= noise.std(axis=0).mean()

    def change(n):
        return moved * (n**-order - (2 * n) ** -order) / (1 + (2 * n) ** -order)

    within = [n for n in effort.STEPS[:-1] if change(n) <= effort.TOLERANCE]
    assert got == within[0] > 2 - (order == 2)


def test_a_flow_that_never_settles_ends_at_the_most_steps_with_a_warning():
    noise = np.random.default_rng(0).standard_normal((50, 4))
    with pytest.warns(UserWarning, match=r"from 16 to 32 steps .* still move by 5\d %"):
        assert effort.enough_steps(lambda n: n * noise) == effort.STEPS[-1]


@pytest.fixture(scope="module")
def gaussian():
    """A fit of a known law, asked about other series of it."""

    def made(n_series, seed):
        return datasets.make_linear_gaussian(
            n_series, 24, missing=0.4, random_state=seed
        ).values

    sizes = {"width": 16, "depth": 1, "max_epochs": 2, "batch_size": 32}
    return DiffusionImputer(**sizes, random_state=0).fit(made(64, 0)), made(10, 1)


def test_steps_found_are_those_of_a_fixed_number_bit_for_bit(gaussian):
    imputer, X = gaussian
    panel, cells = imputer._read(X)
    found = rolling.steps(imputer.model_, panel, cells, 0)
    assert found in effort.STEPS
    before = imputer.get_params()
    try:
        imputer.set_params(n_steps="auto")
        auto, trace = imputer.sample(X, 50), imputer.trace(X, 3, 5)
        assert imputer.get_params() == before | {"n_steps": "auto"}
        imputer.set_params(n_steps=found)
        np.testing.assert_array_equal(auto.samples, imputer.sample(X, 50).samples)
        fixed = imputer.trace(X, 3, 5)
        np.testing.assert_array_equal(trace.frames, fixed.frames)
    finally:
        imputer.set_params(**before)


def test_number_found_is_that_of_a_fixed_number_bit_for_bit(gaussian):
    imputer, X = gaussian
    auto = imputer.sample(X, "auto", tolerance=0.1)
    assert 100 < len(auto) <= 300
    np.testing.assert_array_equal(auto.samples, imputer.sample(X, len(auto)).samples)
    np.testing.assert_array_equal(auto.samples[:100], imputer.sample(X).samples)


def test_error_told_is_that_of_other_seeds(gaussian):
    imputer, X = gaussian
    panel, cells = imputer._read(X)
    totals = np.stack(
        [
            effort.gap_totals(imputer._draw(panel, cells, 100, seed), panel, cells)
            for seed in range(4)
        ]
    )
    told = np.mean([effort.totals_error(some) for some in totals])
    quantiles = np.quantile(totals, effort.LEVELS, axis=1)  # (levels, seeds, gaps)
    error = quantiles.var(axis=1, ddof=1) / totals.var(axis=1).mean(axis=0)
    assert told == pytest.approx(np.sqrt(error.mean()), rel=0.25)


def test_auto_is_saved_shown_and_answers_beyond_the_horizon(tmp_path):
    sizes = tiny().get_params()
    del sizes["max_gap"]
    model = DiffusionForecaster(horizon=3, **sizes | {"n_steps": "auto"})
    assert "n_steps='auto'" in repr(model)
    model.fit(frame()).save(tmp_path / "m")
    loaded = DiffusionForecaster.load(tmp_path / "m")
    assert loaded.get_params()["n_steps"] == "auto"
    far = model.sample(h=7, n_samples="auto", tolerance=0.5)
    assert len(far) == 100
    np.testing.assert_array_equal(far.samples, loaded.sample(h=7).samples)
    assert np.isfinite(loaded.predict(h=7).to_numpy()).all()


def test_what_is_no_effort_is_refused_in_words(pair):
    imputer, X = pair["imputer"], frame()
    for name, ask in (
        ("n_steps", lambda: tiny(n_steps="many").fit(X)),
        ("n_samples", lambda: imputer.sample(X, "many")),
    ):
        with pytest.raises(ValueError, match=f"{name} must be .* or .auto"):
            ask()
    with pytest.raises(ValueError, match="tolerance must be a positive number"):
        imputer.sample(X, "auto", tolerance=-1)
    with pytest.raises(ValueError, match=r"Leave it out, or give n_samples=.auto"):
        imputer.sample(X, 50, tolerance=0.1)
    with pytest.raises(ValueError, match="With constraints or obs_std give a number"):
        imputer.sample(X, "auto", obs_std=0.1)
