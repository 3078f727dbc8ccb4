"""Batches: what is held out is never trained on; what is varied stays consistent."""

import numpy as np
import pytest

from tsdiff.batches import Source
from tsdiff.panel.frame import to_panel
from tsdiff.panel.scaling import fit_scaler


def source_of(values, n_steps, seed=0, **options):
    panel = to_panel(values)
    rng = np.random.default_rng(seed)
    return Source(panel, fit_scaler(panel), n_steps, rng, **options)


@pytest.mark.parametrize("n_rows", [60, 3000])
def test_validation_targets_are_not_in_the_training_data(n_rows):
    """Few windows hold out cells, many whole windows; every value is unique."""
    values = np.random.default_rng(0).normal(size=(n_rows, 2))
    source = source_of(values, 30)
    held = np.concatenate([b.truth[b.target].numpy() for b in source.validation])
    kept = source.scene.scaled[~np.isnan(source.scene.scaled)]
    assert len(held)
    assert not np.isin(held, kept).any()
    assert len(kept) > 0.7 * values.size


def test_validation_share_is_the_one_asked_for():
    values = np.random.default_rng(0).normal(size=(100, 12, 1))  # 100 series
    source = source_of(values, 12, validation_fraction=0.25)
    lost = np.isnan(source.scene.scaled).reshape(100, 12).all(1)
    assert lost.sum() == 25


def test_targets_are_observed_and_not_shown():
    values = np.random.default_rng(0).normal(size=(400, 3))
    values[::3, 1] = np.nan
    source = source_of(values, 24)
    for k in range(20):
        batch = source.draw(np.random.default_rng(k))
        assert not (batch.target & batch.window.shown).any()
        assert (batch.window.values[~batch.window.shown] == 0).all()
        assert batch.truth.isfinite().all()


def test_small_data_get_windows_of_other_levels_and_scales():
    """Within a window and channel one straight line maps the data to what is shown."""
    values = np.random.default_rng(0).normal(size=(400, 2))
    source = source_of(values, 24)
    batch = source.draw(np.random.default_rng(3))
    assert np.array_equal(
        batch.truth[batch.window.shown], batch.window.values[batch.window.shown]
    )
    spread = batch.truth.std(1)
    assert spread.std() > 0.1  # the scales differ from window to window


def test_counts_are_not_varied():
    values = np.random.default_rng(0).poisson(2, (400, 1)).astype(float)
    source = source_of(values, 24)
    assert not source.varied.any()


def test_large_data_are_not_varied():
    values = np.random.default_rng(0).normal(size=(5000, 2))
    assert not source_of(values, 10).varied.any()
