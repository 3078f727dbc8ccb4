"""DiffusionForecaster: joint paths of the future, from history with holes in it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Self

from sklearn.utils.validation import check_is_fitted

from tsdiff._base import (
    check_warm,
    keep_fit,
    report,
    see_more,
    share_fit,
    train_panel,
)
from tsdiff.abstaining import ForecastSupport
from tsdiff.engine import EngineAnswers
from tsdiff.features import check_features, check_learnable
from tsdiff.forecasting import Forecaster
from tsdiff.history import study, study_again
from tsdiff.imputer import DiffusionImputer
from tsdiff.io import Storable
from tsdiff.ondisk import open_files
from tsdiff.parameters import check_count, check_parameters
from tsdiff.tracing import ForecastTrace

_WINDOWS_KEPT = 2  # of history: one to see, one for what was last observed before it


class DiffusionForecaster(
    Storable, ForecastTrace, ForecastSupport, EngineAnswers, Forecaster
):
    """Forecast time series by a conditional diffusion model.

    The engine is that of `DiffusionImputer`: a forecast is an imputation of the rows
    to come. History may have holes anywhere, channels may end at their own times, and
    one fit answers for other histories, other series and other horizons. Medians,
    quantiles and intervals come in closed form; joint paths are drawn.

    One frame of several columns is one model of all of them together: each path is
    joint over its channels. Many series (a MultiIndex, or an array of three
    dimensions) share one model, and are forecast each from its own history.

    Sizes left at None are chosen from the data. Parameters are only stored here; `fit`
    checks them.

    Parameters
    ----------
    horizon : int
        Steps ahead that training prepares for, and `predict` answers by default.
        Longer ones are answered too, by paths rolled forward.
    window : int, optional
        Steps the model sees at once, those to forecast among them. By default history
        for three horizons and two of the periods found in the data, 64 steps at least,
        but less than the series usually are long, and 768 steps in all at most.
    patch_length : int, optional
        Steps in one time token; 1 by default for windows of up to 128 steps, beyond
        that as many as keep the tokens at 96.
    width, depth : int, optional
        Size of the transformer; 64 and 3 by default, 96 and 4 from 500,000 observed
        cells on.
    n_steps : int or "auto", default 8
        Steps of the sampler; cost of `sample` grows in proportion. "auto" doubles them
        from 2 on, at each question, until that moves the 5 %, 50 % and 95 % quantiles
        of windows' totals by less than 0.1 of their spread, and warns if 32 are not
        enough: a pilot of 50 paths through 32 windows at most, from the question's own
        noise. Draws of a cell then depend on what is asked with it.
    max_epochs : int, optional
        Passes over the data. By default as many as make 1,500 optimiser steps, or as
        `max_minutes` allows.
    max_minutes : float, optional
        Wall-clock minutes of training. None by default, because a clock makes results
        differ between machines. Training stops at whichever limit comes first.
    batch_size : int, optional
        Windows in one training step; as many as make 2,700 tokens by default.
    learning_rate : float, default 4e-3
        Of Muon and AdamW.
    mask_mix : mapping of str to float, optional
        See `DiffusionImputer`; "tails" 0.7, "random", "blocks" 0.12, "channels" 0.06.
    validation_fraction : float, default 0.1
        Share of the rows, the last ones, that is held out to choose the weights; of 20
        series and more the last one or two horizons of this share of the series.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default; what follows
        an index without a regular step can't be told, and is refused.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`.
    abstain : float, optional
        Least support, from 0 to 1, of a cell that is answered: those with less stay NaN
        and are reported by a warning. See `support`.
    warm_start : bool, default False
        Let `fit` go on from the weights of the last one, whose sizes and scaling stay.
    checkpoint_path : str or Path, optional
        File that keeps the state of the fit; see `DiffusionImputer`.
    device : str, default "auto"
        Where to fit and to answer: "cpu", "cuda", "cuda:1" or "mps"; see
        `DiffusionImputer`.
    random_state : int, Generator, RandomState or None, default None
        An int repeats fit and draws at every call; None gives fresh ones; a generator
        moves on at every call.
    verbose : int, default 0
        1 shows one progress bar with loss and remaining time.

    Attributes
    ----------
    history_ : DataFrame
        Steps, seconds, losses and validation CRPS along the fit.
    n_iter_ : int
        Optimiser steps made.
    interrupted_ : bool
        Whether the fit was stopped by KeyboardInterrupt.
    skill_ : dict
        How good the fit is on cells that were held out of it: "crps" (twice the mean
        pinball loss at 19 levels, in units of the channels), "crps_reference" (that of
        the "reference", the best of last value and seasonal naive, with normal
        errors), "skill" (1 - crps / crps_reference; negative is worse), "coverage_90"
        (share inside the 90 % intervals) and "n_cells". A fit of 100 steps or
        more that is worse beyond chance ends with a ConvergenceWarning; `verbose=1`
        prints one line.
    n_features_in_ : int
        Number of channels of `y`.
    feature_names_in_ : ndarray of str
        Only if the columns of `y` have names that are text.

    See Also
    --------
    DiffusionImputer : The same engine, for gaps.
    tsdiff.Draws : What `sample` returns.

    Notes
    -----
    Only the end of the history is kept: two windows of each series, with their
    covariates. `save` writes them too, so that a loaded model can predict.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tsdiff import DiffusionForecaster
    >>> days = pd.date_range("2024-01-01", periods=60, name="day")
    >>> y = pd.Series(np.sin(np.arange(60) / 5), days, name="y")
    >>> forecaster = DiffusionForecaster(
    ...     horizon=3, max_epochs=1, width=16, depth=1, random_state=0
    ... )
    >>> forecaster.fit(y).predict().index.strftime("%d %b").tolist()
    ['01 Mar', '02 Mar', '03 Mar']
    >>> forecaster.predict(h=2, level=[80, 95]).columns.tolist()
    ['y', 'y-lo-80', 'y-hi-80', 'y-lo-95', 'y-hi-95']
    >>> forecaster.sample(n_samples=20)
    Draws(20 raw samples of 3 answered cells; 3 rows x 1 channels)
    """

    def __init__(
        self,
        *,
        horizon: int,
        window: int | None = None,
        patch_length: int | None = None,
        width: int | None = None,
        depth: int | None = None,
        n_steps: int | str = 8,
        max_epochs: int | None = None,
        max_minutes: float | None = None,
        batch_size: int | None = None,
        learning_rate: float = 4e-3,
        mask_mix: Mapping[str, float] | None = None,
        validation_fraction: float = 0.1,
        freq: str | int | None = None,
        insert_absent: bool = False,
        abstain: float | None = None,
        warm_start: bool = False,
        checkpoint_path: str | PathLike[str] | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.horizon = horizon
        self.window = window
        self.patch_length = patch_length
        self.width = width
        self.depth = depth
        self.n_steps = n_steps
        self.max_epochs = max_epochs
        self.max_minutes = max_minutes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.mask_mix = mask_mix
        self.validation_fraction = validation_fraction
        self.freq = freq
        self.insert_absent = insert_absent
        self.abstain = abstain
        self.warm_start = warm_start
        self.checkpoint_path = checkpoint_path
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, y: Any, X: Any = None, *, static: Any = None) -> Self:
        """Learn from the observed cells of `y`.

        Parameters
        ----------
        y : DataFrame, Series, array or polars frame
            Rows are time, columns are channels, NaN is missing. Many series: a
            MultiIndex ``(unique_id, ds)``, or an array of shape (n_series, n_times,
            n_channels). A `tsdiff.ParquetPanel` or `tsdiff.ArrayPanel` may be larger
            than memory: windows are drawn of all its series; what is told of the data
            as a whole is of some, drawn at random. No history of it is kept: `predict`
            needs its `y`.
        X : DataFrame, Series, array or polars frame, optional
            Covariates at every stamp of `y`; a plain time index holds for all series.
            Numbers, booleans, categories or text; NaN is missing. Where X goes on
            behind the end of `y`, a column with values there is known ahead, one
            without is of the past only; where it ends with `y`, nothing is told.
        static : DataFrame or Series, optional
            A row per series, indexed by their names: numbers or categories.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data or parameters that can't be used; an earlier fit stays as it was.
        KeyboardInterrupt
            If training was stopped by the user; the best weights until then are kept.

        Warns
        -----
        UserWarning
            If there is little to learn from, or the window shrinks to the data.
        ConvergenceWarning
            If the loss was not finite several times in a row; the best weights stay.
        """
        check_parameters(self)
        horizon = check_count("horizon", self.horizon)
        warm = check_warm(self)
        y, files = open_files(y, X, static)
        read = study if warm is None else study_again
        lesson = read(self, y, X, static)
        check_learnable(lesson.panel)
        roles = {
            "horizon": horizon,
            "n_targets": len(lesson.panel.channels),
            "known": lesson.extras.known,
        }
        whole = lesson.past.whole(lesson.extras)
        reserve = None if files is None else files.reserve(self, lesson.schema)
        model, history = train_panel(self, whole, warm, roles, reserve)
        if warm is None:
            check_features(self, lesson.panel, y, reset=True)
        else:
            see_more(self, lesson.panel)
        keep_fit(self, lesson.schema, model, history)
        self.extras_ = lesson.extras
        self.past_ = None if files else lesson.past.latest(self._memory())
        report(history, self.verbose)
        return self

    def as_imputer(self) -> DiffusionImputer:
        """Fill gaps by the same fitted model, without training again.

        Returns
        -------
        DiffusionImputer
            With the parameters of this forecaster.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the fit had covariates or static features.

        Examples
        --------
        >>> import numpy as np
        >>> y = np.sin(np.arange(60.0) / 5)[:, None]
        >>> sizes = {"max_epochs": 1, "width": 16, "depth": 1, "random_state": 0}
        >>> forecaster = DiffusionForecaster(horizon=3, **sizes).fit(y)
        >>> y[20:24] = np.nan
        >>> bool(np.isfinite(forecaster.as_imputer().transform(y)).all())
        True
        """
        check_is_fitted(self, "model_")
        used = [*self.extras_.channels, *self.extras_.features]
        if used:
            raise ValueError(
                f"The model was fitted with covariates ({', '.join(used)}), which an "
                "imputer can't be given. Fit a forecaster without X and static, or an "
                "imputer."
            )
        parameters = self.get_params(deep=False)
        del parameters["horizon"]
        return share_fit(self, DiffusionImputer(**parameters))

    def _memory(self) -> int:
        return _WINDOWS_KEPT * self.model_.n_steps
