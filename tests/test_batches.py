"""Batches: what is held out is never trained on; what is varied stays consistent."""

import numpy as np
import pytest
import torch

from tsdiff.batches import Roles, Source
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


def test_channels_of_a_varied_window_keep_what_they_tell_of_each_other():
    """Levels move as the channels do, here against each other; scales are common."""
    rng = np.random.default_rng(0)
    common = rng.normal(size=400)
    values = np.column_stack([common, -common]) + 0.01 * rng.normal(size=(400, 2))
    batch = source_of(values, 24).draw(np.random.default_rng(3))
    level = batch.truth.mean(1)  # (B, C)
    assert level[:, 0].std() > 0.3
    assert level.sum(1).std() < 0.3 * level[:, 0].std()


def test_counts_are_not_varied():
    values = np.random.default_rng(0).poisson(2, (400, 1)).astype(float)
    source = source_of(values, 24)
    assert source.variation is None


def test_large_data_are_not_varied():
    values = np.random.default_rng(0).normal(size=(5000, 2))
    assert source_of(values, 10).variation is None


# --- models that forecast -------------------------------------------------------------


def forecast_source(values, n_steps, roles, **options):
    return source_of(values, n_steps, roles=roles, **options)


@pytest.mark.parametrize("shape", [(600, 2), (40, 60, 1)])
def test_ends_of_series_are_held_out_to_validate_forecasts(shape):
    """All that a few series end with, or what some of many series end with."""
    values = np.random.default_rng(0).normal(size=shape)
    source = forecast_source(values, 40, Roles(shape[-1], horizon=8))
    held = np.concatenate([b.truth[b.target].numpy() for b in source.validation])
    kept = source.scene.scaled[~np.isnan(source.scene.scaled)]
    assert not np.isin(held, kept).any()
    for batch in source.validation:
        assert not batch.target[:, :-8].any()  # only what lies ahead is asked for
    out = np.isnan(source.scene.scaled).reshape(shape).all(-1)
    if len(shape) == 2:
        assert np.flatnonzero(out).tolist() == list(range(540, 600))
    else:
        assert out.any(1).sum() == 4  # a tenth of the series
        assert out[:, :-16].sum() == 0
        assert (out[out.any(1)][:, -16:]).all() or out.sum(1).max() == 8


def test_nothing_behind_the_end_of_a_forecast_is_shown():
    values = np.random.default_rng(0).normal(size=(600, 2))
    source = forecast_source(values, 40, Roles(2, horizon=8), mask_mix={"tails": 1})
    for k in range(10):
        batch = source.draw(np.random.default_rng(k))
        step = torch.arange(40)[None, :, None]
        shown = batch.window.shown.any(2)
        ends_early = ~shown[:, -1]
        assert ends_early.any()
        assert bool(torch.isinf(batch.window.away[ends_early, 1]).all())
        assert (batch.target * step).amax((1, 2)).max() == 39


@pytest.mark.parametrize(("known", "shown_ahead"), [(True, 1.0), (False, 0.0)])
def test_covariates_are_shown_ahead_if_they_are_known_then(known, shown_ahead):
    values = np.random.default_rng(0).normal(size=(600, 2))
    roles = Roles(1, (known,), horizon=8)
    source = forecast_source(values, 40, roles, mask_mix={"tails": 1})
    batch = source.draw(np.random.default_rng(0))
    assert not batch.target[..., 1].any()  # a covariate is never asked for
    ahead = batch.target[..., 0].flip(1).cumprod(1).flip(1).bool()
    assert batch.window.shown[..., 1][ahead].float().mean() == shown_ahead


def test_covariates_of_which_nothing_is_said_are_shown_ahead_sometimes():
    values = np.random.default_rng(0).normal(size=(2000, 2))
    roles = Roles(1, (None,), horizon=8)
    source = forecast_source(values, 40, roles, mask_mix={"tails": 1}, batch_size=200)
    batch = source.draw(np.random.default_rng(0))
    share = float(batch.window.shown[:, -1, 1].float().mean())
    assert 0.35 < share < 0.65  # 200 coins: 0.5 within four standard errors


def test_windows_of_a_forecast_count_alike_however_many_cells_they_ask_for():
    values = np.random.default_rng(0).normal(size=(600, 1))
    source = forecast_source(values, 40, Roles(1, horizon=8))
    batch = source.draw(np.random.default_rng(0))
    window = batch.target.nonzero()[:, 0]
    own = torch.arange(len(batch.truth), dtype=torch.float32)  # loss of each window
    asked = batch.target.any((1, 2))
    assert float(batch.mean(own[window], window)) == pytest.approx(
        float(own[asked].mean()), rel=1e-5
    )


def test_what_is_released_is_trained_on():
    values = np.random.default_rng(0).normal(size=(600, 2))
    source = source_of(values, 30)
    held = np.concatenate([b.truth[b.target].numpy() for b in source.validation])
    source.release()
    assert np.isin(held, source.scene.scaled).all()
