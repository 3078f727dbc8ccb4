"""What a fit and an answer leave behind, when all goes well and when it doesn't."""

from __future__ import annotations

import copy
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import clone
from sklearn.exceptions import ConvergenceWarning
from small import NAN, frame, tiny

from tsdiff import DiffusionImputer
from tsdiff.diffusion import training


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


@pytest.mark.parametrize(
    "copied",
    [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy],
    ids=["pickle", "deepcopy"],
)
def test_copies_of_a_fitted_imputer_answer_alike(
    copied: Any, fitted: DiffusionImputer
) -> None:
    twin = copied(fitted)
    expected = fitted.sample(frame(), 4).samples
    np.testing.assert_array_equal(twin.sample(frame(), 4).samples, expected)
    twin.fit(frame() + 5)  # shares nothing with the first one
    np.testing.assert_array_equal(fitted.sample(frame(), 4).samples, expected)


def test_threads_answer_as_one_would(fitted: DiffusionImputer) -> None:
    expected = fitted.sample(frame(), 60).samples
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(fitted.sample, frame(), 60) for _ in range(8)]
    for job in jobs:
        np.testing.assert_array_equal(job.result().samples, expected)


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


def stopping(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException) -> None:
    """Let the loss of training step number `at` raise."""
    losses, calls = training.losses, []

    def stop(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == at:
            raise error
        return losses(*arguments)

    monkeypatch.setattr(training, "losses", stop)


def test_an_interrupted_fit_keeps_the_best_weights_and_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stopping(monkeypatch, 4, KeyboardInterrupt())
    imputer = tiny(max_epochs=100, batch_size=8)
    with pytest.raises(KeyboardInterrupt, match="stopped at step 3"):
        imputer.fit(frame())
    assert imputer.interrupted_ is True
    assert imputer.n_iter_ == 3
    assert imputer.transform(frame()).notna().to_numpy().all()
    monkeypatch.undo()
    imputer.set_params(warm_start=True, max_epochs=1).fit(frame())
    assert imputer.interrupted_ is False


def test_a_fit_that_fails_leaves_the_last_one_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    imputer = tiny().fit(frame())
    before, expected = sorted(vars(imputer)), imputer.transform(frame())
    stopping(monkeypatch, 1, MemoryError("no memory"))
    with pytest.raises(MemoryError):
        imputer.fit(frame().assign(c=1.0))
    with pytest.raises(ValueError, match="infinity"):
        imputer.fit(frame() * np.inf)
    assert sorted(vars(imputer)) == before
    pd.testing.assert_frame_equal(imputer.transform(frame()), expected)


def test_a_loss_that_is_not_finite_stops_with_advice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    losses = training.losses

    def broken(*arguments: Any) -> Any:
        crps, *others = losses(*arguments)
        return crps * NAN, *others

    monkeypatch.setattr(training, "losses", broken)
    imputer = tiny(max_epochs=100)
    with pytest.warns(ConvergenceWarning, match="Lower learning_rate") as caught:
        imputer.fit(frame())
    assert caught[0].filename == __file__
    assert imputer.n_iter_ < 20
    assert np.isfinite(imputer.transform(frame())).all(axis=None)


def test_a_learning_rate_far_too_high_leaves_finite_answers() -> None:
    imputer = tiny(learning_rate=1e6, max_epochs=40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        imputer.fit(frame())
    assert np.isfinite(imputer.transform(frame())).all(axis=None)
    assert np.isfinite(imputer.sample(frame(), 10).samples).all()


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
