"""Scaling: exact under powers of two, robust, and aware of single values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler


def scaler_of(values):
    return fit_scaler(to_panel(np.asarray(values, dtype=float)[:, None]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_times_four_gives_exactly_the_same_units(values):
    """Powers of two change no digit, so draws of 4 x data are 4 x the draws."""
    column = np.asarray(values)[:, None]
    one, four = scaler_of(values), scaler_of(4 * np.asarray(values))
    with np.errstate(over="ignore"):
        assert np.array_equal(
            one.to_units(column, ("y",)), four.to_units(4 * column, ("y",))
        )


@pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e6, 1e300])
def test_any_magnitude_gets_unit_spread(size):
    values = size * np.random.default_rng(0).normal(size=500)
    scaler = scaler_of(values)
    units = scaler.to_units(values[:, None], ("y",))
    assert units.std() == pytest.approx(1, rel=1e-3)
    back = scaler.from_units(units[:, 0], np.zeros(500, int))
    assert np.allclose(back, values, rtol=1e-5, atol=1e-6 * size)


def test_large_offsets_keep_their_differences():
    values = 1.7e9 + np.arange(100.0)  # seconds of an epoch: float32 can't tell them
    units = scaler_of(values).to_units(values[:, None], ("y",))
    assert np.allclose(np.diff(units[:, 0]), np.diff(units[:, 0])[0], rtol=1e-3)


def test_a_far_outlier_does_not_set_the_scale():
    values = np.random.default_rng(0).normal(size=1000)
    values[7] = 1e6
    assert scaler_of(values).scale[0] == pytest.approx(1, rel=0.4)


def test_a_value_that_cannot_be_represented_is_named():
    scaler = scaler_of(np.random.default_rng(0).normal(size=50))
    with pytest.raises(ValueError, match=r"'glucose', row 1: 1e\+60 is too far"):
        scaler.to_units(np.array([[0.0], [1e60]]), ("glucose",))


def test_a_constant_column_is_answered_by_its_value():
    scaler = scaler_of(np.full(30, 3.5))
    around = np.linspace(-4, 4, 9, dtype=np.float32)
    assert (scaler.from_units(around, np.zeros(9, int)) == 3.5).all()


def test_counts_are_answered_by_counts():
    values = np.random.default_rng(0).poisson(3, 500).astype(float)
    scaler = scaler_of(values)
    answer = scaler.from_units(np.linspace(-2, 6, 400), np.zeros(400, int))
    assert (answer == np.round(answer)).all()
    assert len(np.unique(answer)) > 10


def test_zeros_among_real_values_are_answered_by_zero():
    rng = np.random.default_rng(0)
    rain = np.where(rng.random(2000) < 0.6, 0.0, rng.exponential(4, 2000))
    scaler = scaler_of(rain)
    support = scaler.supports[0]
    assert support.atoms == (0.0,)
    small = rain[(rain > 0) & (rain <= support.high[0])]
    assert len(small) <= 0.02 * (rain > 0).sum() + 1  # few real values are taken for it
    units = scaler.to_units(np.array([[0.0], [0.5 * support.high[0]], [3.0]]), ("y",))
    answer = scaler.from_units(units[:, 0], np.zeros(3, int))
    assert answer[:2].tolist() == [0.0, 0.0]
    assert answer[2] == pytest.approx(3, rel=1e-5)


def test_continuous_data_are_not_snapped():
    values = np.random.default_rng(0).normal(size=500)
    support = scaler_of(values).supports[0]
    assert support.step == 0
    assert support.atoms == ()


def test_jitter_spreads_over_what_is_snapped_back():
    values = np.random.default_rng(0).poisson(2, 400).astype(float)
    panel = to_panel(values[:, None])
    scaler = fit_scaler(panel)
    spread = scaler.jittered(panel.values, np.random.default_rng(1))
    assert len(np.unique(spread)) == 400
    assert np.array_equal(scaler.supports[0].snap(spread[:, 0]), values)
