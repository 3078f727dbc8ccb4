"""Scaling: exact under powers of two, robust, and aware of single values."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler


def scaler_of(values):
    return fit_scaler(to_panel(np.asarray(values, dtype=float)[:, None]))


def enter(scaler, column, name="y"):
    """Scale values of shape (N, 1)."""
    column = np.asarray(column, dtype=float)
    return scaler.units(to_panel(column)).enter(column, (name,))


def leave(scaler, scaled):
    """Give N scaled values back."""
    panel = to_panel(np.zeros((len(scaled), 1)))
    return scaler.units(panel).leave(scaled, np.arange(len(scaled)))


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=40))
def test_times_four_gives_exactly_the_same_units(values):
    """Powers of two change no digit, so draws of 4 x data are 4 x the draws."""
    column = np.asarray(values)[:, None]
    one, four = scaler_of(values), scaler_of(4 * np.asarray(values))
    with np.errstate(over="ignore"):
        assert np.array_equal(enter(one, column), enter(four, 4 * column))


@pytest.mark.parametrize("size", [1e-300, 1e-6, 1.0, 1e6, 1e300])
def test_any_magnitude_gets_unit_spread(size):
    values = size * np.random.default_rng(0).normal(size=500)
    scaler = scaler_of(values)
    units = enter(scaler, values[:, None])
    assert units.std() == pytest.approx(1, rel=1e-3)
    back = leave(scaler, units[:, 0])
    assert np.allclose(back, values, rtol=1e-5, atol=1e-6 * size)


def test_large_offsets_keep_their_differences():
    values = 1.7e9 + np.arange(100.0)  # seconds of an epoch: float32 can't tell them
    units = enter(scaler_of(values), values[:, None])
    assert np.allclose(np.diff(units[:, 0]), np.diff(units[:, 0])[0], rtol=1e-3)


def test_a_far_outlier_does_not_set_the_scale():
    values = np.random.default_rng(0).normal(size=1000)
    values[7] = 1e6
    assert scaler_of(values).scale[0] == pytest.approx(1, rel=0.4)


def test_a_value_that_cannot_be_represented_is_named():
    scaler = scaler_of(np.random.default_rng(0).normal(size=50))
    with pytest.raises(ValueError, match=r"'glucose', row 1: 1e\+60 is too far"):
        enter(scaler, np.array([[0.0], [1e60]]), "glucose")


def test_a_constant_column_is_answered_by_its_value():
    scaler = scaler_of(np.full(30, 3.5))
    around = np.linspace(-4, 4, 9, dtype=np.float32)
    assert (leave(scaler, around) == 3.5).all()


def test_counts_are_answered_by_counts():
    values = np.random.default_rng(0).poisson(3, 500).astype(float)
    scaler = scaler_of(values)
    answer = leave(scaler, np.linspace(-2, 6, 400))
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
    units = enter(scaler, np.array([[0.0], [0.5 * support.high[0]], [3.0]]))
    answer = leave(scaler, units[:, 0])
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


def panel_of(*series):
    index = pd.MultiIndex.from_tuples(
        [(name, t) for name, y in enumerate(series) for t in range(len(y))]
    )
    return to_panel(pd.DataFrame({"y": np.concatenate(series)}, index))


def test_series_of_their_own_units_look_alike_whatever_their_size():
    rng = np.random.default_rng(0)
    shape = rng.normal(size=50)
    panel = panel_of(shape, 1e6 * shape, 1e-3 * shape + 7)
    units = fit_scaler(panel, 1).units(panel)
    scaled = units.enter(panel.values, panel.channels).reshape(3, 50)
    assert np.allclose(scaled.std(axis=1)[:2], 1, rtol=0.05)
    assert 0.5 < scaled[2].std() <= 1  # borrows a little of the others' ratio
    assert np.allclose(scaled.mean(axis=1), 0, atol=1e-5)
    back = units.leave(scaled.ravel(), np.arange(150))
    assert np.allclose(back, panel.values.ravel(), rtol=1e-4, atol=1e-5)


def test_units_of_a_series_do_not_hang_on_the_others():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=30), 100 + rng.normal(size=20)
    scaler = fit_scaler(panel_of(a, b), 1)
    alone, beside = scaler.units(panel_of(b)), scaler.units(panel_of(a, b))
    assert np.array_equal(alone.center[0], beside.center[1])
    assert np.array_equal(alone.scale[0], beside.scale[1])


def test_series_of_one_value_of_zeros_and_of_none_have_a_scale():
    full = [100 * level + np.arange(20.0) for level in (1, 2, 3)]
    scaler = fit_scaler(panel_of(*full), 1)
    odd = panel_of(np.array([5000.0]), np.zeros(9), np.full(9, np.nan))
    scale = scaler.units(odd).scale[:, 0]
    assert (scale > 0).all()
    usual = np.median([np.std(y) / np.mean(y) for y in full])
    assert scale[0] == pytest.approx(5000 * usual)  # usual beside such a level
