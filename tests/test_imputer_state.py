"""What a fit and an answer leave behind, when all goes well and when it doesn't."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from sklearn import clone
from small import frame, tiny

from tsdiff import DiffusionImputer


@pytest.fixture(scope="module")
def fitted() -> DiffusionImputer:
    return tiny(max_epochs=2).fit(frame())


def weights(imputer: DiffusionImputer) -> bytes:
    state = imputer.model_.network.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


# --- state ----------------------------------------------------------------------------


def test_answers_change_no_state(fitted: DiffusionImputer) -> None:
    before = copy.deepcopy(vars(fitted))
    held = weights(fitted)
    fitted.transform(frame())
    fitted.sample(frame(), 3)
    fitted.predict_interval(frame())
    fitted.get_feature_names_out()
    now = vars(fitted)
    assert weights(fitted) == held
    assert not fitted.model_.network.training
    pd.testing.assert_frame_equal(now["history_"], before.pop("history_"))
    scaler, scaler_before = now["model_"].scaler, before.pop("model_").scaler
    for name in ("center", "scale", "low", "high"):
        old = getattr(scaler_before, name)
        np.testing.assert_array_equal(getattr(scaler, name), old)
    names = before.pop("feature_names_in_")
    np.testing.assert_array_equal(now["feature_names_in_"], names)
    assert {name: now[name] for name in before} == before
    assert len(now) == len(before) + 3


def test_the_history_tells_how_the_fit_went(fitted: DiffusionImputer) -> None:
    history = fitted.history_
    assert history.columns.tolist() == [
        "step",
        "seconds",
        "loss",
        "velocity_loss",
        "validation_crps",
    ]
    assert history["step"].iloc[-1] == fitted.n_iter_
    assert history["step"].is_monotonic_increasing
    assert history["step"].is_unique
    assert history["seconds"].is_monotonic_increasing
    assert np.isfinite(history).all(axis=None)
    assert fitted.interrupted_ is False


def test_a_warm_start_goes_on_where_the_last_fit_ended() -> None:
    imputer = tiny(warm_start=True, max_epochs=2).fit(frame())
    first, schema = imputer.model_.network.state_dict(), imputer.schema_
    scale = imputer.model_.scaler.scale.copy()
    imputer.set_params(learning_rate=1e-12).fit(frame() * 3)
    assert imputer.schema_ == schema
    np.testing.assert_array_equal(imputer.model_.scaler.scale, scale)
    for name, now in imputer.model_.network.state_dict().items():
        np.testing.assert_allclose(now, first[name], atol=1e-6)
    cold = clone(imputer).set_params(warm_start=False).fit(frame() * 3)
    other = cold.model_.network.state_dict()
    assert any(not np.allclose(other[name], first[name]) for name in first)


def test_a_warm_start_cannot_change_sizes_or_columns() -> None:
    imputer = tiny(warm_start=True).fit(frame())
    with pytest.raises(ValueError, match="width=16 was asked for, but warm_start=True"):
        imputer.set_params(width=16).fit(frame())
    imputer.set_params(width=None)
    with pytest.raises(ValueError, match="feature names should match"):
        imputer.fit(frame()[["b", "a"]])


# --- faults ---------------------------------------------------------------------------


# --- progress -------------------------------------------------------------------------


def test_verbose_0_writes_nothing(capfd: pytest.CaptureFixture) -> None:
    tiny().fit(frame()).sample(frame(), 3)
    assert capfd.readouterr() == ("", "")


def test_verbose_1_shows_one_bar_with_loss_and_remaining_time(
    capfd: pytest.CaptureFixture,
) -> None:
    tiny(verbose=1).fit(frame()).sample(frame(), 3)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("\n") == 2  # the bar, and how good the fit is
    assert "skill against" in err.splitlines()[-1]
    assert "fit 100%|" in err
    assert "loss 0." in err
