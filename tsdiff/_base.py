"""What the estimators share: parameters, seeds, the schema of the data, the fit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data
from tqdm.auto import tqdm

from tsdiff.diffusion.training import History
from tsdiff.learning import Plan, fit_model
from tsdiff.panel.calendar import calendar_features
from tsdiff.panel.frame import Panel, to_panel
from tsdiff.panel.masking import DEFAULT_MIX

_FEW_OBSERVED = 30  # fewer observed cells than this in a channel teach it little


@dataclass(frozen=True)
class Schema:
    """What data must have in common with those of the fit.

    Attributes
    ----------
    channels : tuple of str
    named : bool
        Whether the channels' names came with the data.
    freq : str or None
        None if the stamps of the fit were irregular or no dates.
    tz : str or None
        Time zone whose wall clock the calendar follows.
    calendar_names : tuple of str
    """

    channels: tuple[str, ...]
    named: bool
    freq: str | None
    tz: str | None
    calendar_names: tuple[str, ...]

    @classmethod
    def of(cls, panel: Panel, named: bool) -> Schema:
        """Schema of the data of a fit."""
        zone = getattr(panel.stamps, "tz", None)
        tz = None if zone is None else str(zone)
        return cls(panel.channels, named, panel.freq, tz, panel.calendar_names)

    def read(self, estimator: Any, X: Any) -> Panel:
        """Read data to answer, checking them against those of the fit."""
        freq = self.freq if estimator.freq is None else estimator.freq
        panel = to_panel(
            X,
            freq=freq,
            insert_absent=estimator.insert_absent,
            calendar=self.calendar_names,
        )
        validate_data(estimator, _names_only(panel, X), reset=False, **_SKIP)
        self._check_zone(panel)
        return self._in_zone(panel)

    def _check_zone(self, panel: Panel) -> None:
        if not isinstance(panel.stamps, pd.DatetimeIndex):
            return
        aware = panel.stamps.tz is not None
        if aware != (self.tz is not None):
            was, now = ("aware", "naive") if self.tz else ("naive", "aware")
            raise ValueError(
                f"The stamps are time zone {now}, those of the fit were {was}"
                f"{f' ({self.tz})' if self.tz else ''}. Use tz_localize or tz_convert "
                "on the index so that both are of a kind."
            )

    def _in_zone(self, panel: Panel) -> Panel:
        """Give the calendar by the wall clock of the fit's zone."""
        stamps = panel.stamps
        other = self.tz is not None and str(getattr(stamps, "tz", None)) != self.tz
        if not other or not self.calendar_names:
            return panel
        local = stamps.tz_convert(self.tz)
        return replace(panel, calendar=calendar_features(local, self.calendar_names))

    def names_out(self, estimator: Any, input_features: Any) -> NDArray[Any]:
        """Names of the columns, checked against those given."""
        names = np.asarray(self.channels, dtype=object)
        if input_features is None:
            return names
        given = np.asarray(input_features, dtype=object)
        if len(given) != len(names):
            raise ValueError(
                "input_features should have length equal to number of features "
                f"({len(names)}), got {len(given)}"
            )
        if hasattr(estimator, "feature_names_in_") and not (given == names).all():
            raise ValueError("input_features is not equal to feature_names_in_")
        return given


_SKIP = {"skip_check_array": True}


def _names_only(panel: Panel, X: Any) -> Any:
    """Stand-in for `X` from which scikit-learn reads number and names of columns."""
    first = panel.values[:1]
    return pd.DataFrame(first, columns=list(panel.channels)) if _named(X) else first


def _named(X: Any) -> bool:
    """Whether the columns of the data have names of their own."""
    return hasattr(X, "columns") or getattr(X, "name", None) is not None


def read_seed(random_state: Any) -> int:
    """One non-negative integer from what the caller gave as `random_state`.

    Raises
    ------
    ValueError
        If it is neither an int, a Generator, a RandomState nor None.
    """
    if random_state is None:
        return int(np.random.SeedSequence().entropy % 2**62)
    if isinstance(random_state, Integral) and not isinstance(random_state, bool):
        if random_state < 0:
            raise ValueError(f"random_state must not be negative, got {random_state}.")
        return int(random_state)
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**62))
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    raise ValueError(
        f"random_state={random_state!r} cannot be used to seed a generator. Give an "
        "int, a numpy Generator or RandomState, or None."
    )


_COUNTS = (
    "window",
    "patch_length",
    "width",
    "depth",
    "n_steps",
    "max_epochs",
    "batch_size",
)


def check_parameters(estimator: Any) -> None:
    """Check constructor parameters.

    Raises
    ------
    TypeError, ValueError
        Naming the parameter, what was found and what is needed.
    """
    for name in _COUNTS:
        value = getattr(estimator, name)
        if value is None and name != "n_steps":
            continue
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not whole or value < 1:
            raise ValueError(
                f"{name} must be a whole number of at least 1, got {value!r}."
            )
    for name in ("learning_rate", "max_minutes"):
        value = getattr(estimator, name)
        if value is None and name == "max_minutes":
            continue
        if not isinstance(value, Real) or not 0 < value < np.inf:
            raise ValueError(f"{name} must be a positive number, got {value!r}.")
    share = estimator.validation_fraction
    if not isinstance(share, Real) or not 0 < share < 1:
        raise ValueError(
            f"validation_fraction must lie between 0 and 1 (both excluded), got {share!r}."
        )
    _check_mix(estimator.mask_mix)


def _check_mix(mix: Any) -> None:
    if mix is None:
        return
    unknown = sorted(set(mix) - set(DEFAULT_MIX))
    if unknown or not mix or min(mix.values()) < 0 or not sum(mix.values()):
        raise ValueError(
            f"mask_mix must give non-negative weights to some of {list(DEFAULT_MIX)}, "
            f"got {dict(mix)!r}."
        )


def fit_panel(estimator: Any, X: Any) -> None:
    """Fit an estimator to the caller's data and set its learned attributes."""
    panel = to_panel(X, freq=estimator.freq, insert_absent=estimator.insert_absent)
    _check_learnable(panel)
    warm = getattr(estimator, "model_", None) if estimator.warm_start else None
    if warm is not None:
        validate_data(estimator, _names_only(panel, X), reset=False, **_SKIP)
        panel = estimator.schema_.read(estimator, X)
    plan = Plan(
        window=estimator.window,
        patch_length=estimator.patch_length,
        width=estimator.width,
        depth=estimator.depth,
        batch_size=estimator.batch_size,
        max_epochs=estimator.max_epochs,
        max_minutes=estimator.max_minutes,
        learning_rate=estimator.learning_rate,
        mask_mix=estimator.mask_mix,
        validation_fraction=estimator.validation_fraction,
    )
    seed = read_seed(estimator.random_state)
    with _Bar(estimator.verbose) as bar:
        model, history = fit_model(panel, plan, seed, bar.show, warm)
    validate_data(estimator, _names_only(panel, X), reset=True, **_SKIP)
    estimator.schema_ = Schema.of(panel, _named(X))
    estimator.model_ = model
    estimator.history_ = _frame(history)
    estimator.n_iter_ = history.n_steps
    estimator.interrupted_ = history.interrupted
    _report(history)


def _check_learnable(panel: Panel) -> None:
    counts = panel.observed.sum(axis=0)
    if not counts.any():
        raise ValueError(
            "No cell is observed, so there is nothing to learn from: every value of "
            f"column(s) {', '.join(map(repr, panel.channels[:5]))} is missing."
        )
    empty = [name for name, n in zip(panel.channels, counts, strict=True) if not n]
    if empty:
        warnings.warn(
            f"Column(s) {', '.join(map(repr, empty))} hold no value; they will be "
            "filled by 0, for want of anything better. Drop them, or fit on data in "
            "which they are observed.",
            UserWarning,
            stacklevel=4,
        )
    if counts.max() < _FEW_OBSERVED:
        warnings.warn(
            f"Only {counts.max()} value(s) are observed in the best column; answers "
            "will be close to linear interpolation with a guessed spread.",
            UserWarning,
            stacklevel=4,
        )


def _frame(history: History) -> pd.DataFrame:
    """History of a fit as a frame, a row for each time it was scored."""
    names = ("step", "seconds", "loss", "velocity_loss", "validation_crps")
    return pd.DataFrame({name: getattr(history, name) for name in names})


def _report(history: History) -> None:
    """Re-raise an interrupt and warn of a fit that went wrong, with all kept."""
    if history.interrupted:
        raise KeyboardInterrupt
    if history.diverged:
        warnings.warn(
            f"The loss was not finite {history.n_skipped} times; training stopped at "
            f"step {history.n_steps} and the weights of step {history.best_step} are "
            "kept. Lower learning_rate, or look for outliers in the data.",
            ConvergenceWarning,
            stacklevel=4,
        )


class _Bar:
    """One progress bar over the budget of a fit, silent at verbose=0."""

    def __init__(self, verbose: int) -> None:
        self._bar = tqdm(
            total=100,
            desc="fit",
            unit="%",
            disable=not verbose,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
        )

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, share: float, history: History) -> None:
        """Move the bar to a share of the budget."""
        self._bar.update(min(100.0, 100 * share) - self._bar.n)
        if history.validation_crps:
            self._bar.set_postfix_str(
                f"validation CRPS {history.validation_crps[-1]:.4f}", refresh=False
            )
