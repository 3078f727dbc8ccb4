"""DiffusionImputer: fill the gaps of time series, with honest uncertainty."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

import pandas as pd
from sklearn.utils.validation import check_is_fitted

from tsdiff._base import fit_panel, share_fit
from tsdiff.abstaining import FillingSupport
from tsdiff.engine import EngineAnswers
from tsdiff.filling import GapFiller
from tsdiff.io import Storable
from tsdiff.parameters import check_count
from tsdiff.tracing import FillingTrace

if TYPE_CHECKING:
    from tsdiff.forecaster import DiffusionForecaster


class DiffusionImputer(
    Storable, FillingTrace, FillingSupport, EngineAnswers, GapFiller
):
    """Fill missing values of time series by a conditional diffusion model.

    A transformer reads each window once and gives the law of every missing cell in
    closed form: medians, quantiles and intervals need no sampling. A small denoiser
    then draws joint paths whose cells follow these laws (the CSDI family: Tashiro et
    al., 2021, NeurIPS). Observed cells pass through unchanged, bit for bit.

    Sizes left at None are chosen from the data. Parameters are only stored here; `fit`
    checks them.

    Parameters
    ----------
    window : int, optional
        Steps the model sees at once. By default the length of the longest series if
        that is at most 256, otherwise twice the gaps as they are, 64 to 192.
        Series shorter than the window are seen whole; a window longer than all of them
        shrinks, with a warning.
    patch_length : int, optional
        Steps in one time token; 1 by default for windows of up to 256 steps, beyond
        that as many as keep the tokens at 256.
    width, depth : int, optional
        Size of the transformer; 64 to 128 and 3 to 4 by default, by the number of
        observed cells.
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
        differ between machines. Training stops at whichever limit comes first, and the
        learning rate anneals to it.
    batch_size : int, optional
        Windows in one training step; 32 by default, fewer where windows are large.
    learning_rate : float, default 4e-3
        Of Muon and AdamW.
    mask_mix : mapping of str to float, optional
        Weights of the ways in which training hides cells: "random", "blocks", "lent"
        (the pattern of missing cells of another window), "channels" and "tails".
    validation_fraction : float, default 0.1
        Share of the series (of few series: of the windows, of short ones: of the
        observed cells) that is held out to choose the weights, 512 windows at most.
    freq : str or int, optional
        Step of the time index, as pandas names it. Inferred by default; an index
        without a regular step is taken as irregular, with elapsed time as input,
        measured in median steps of the data of the fit.
    insert_absent : bool, default False
        Make rows of stamps that are absent from the grid of `freq`. Answers then have
        these rows too.
    max_gap : int or timedelta-like, optional
        Gaps longer than this - in rows, or in time as "2h" - stay NaN and are reported
        by a warning. In time, a gap lasts as many steps as it has rows; where stamps
        are irregular, from the observed row before it to the one behind it, less one
        step.
    abstain : float, optional
        Least support, from 0 to 1, of a cell that is answered: those with less stay NaN
        and are reported by a warning. See `support`.
    warm_start : bool, default False
        Let `fit` go on from the weights of the last one, whose sizes and scaling stay.
    checkpoint_path : str or Path, optional
        File that keeps the state of the fit, written every 100 steps or 30 seconds (a
        fiftieth of the time at most) and at the end. After a kill, an interrupt or a
        crash, `fit` on the same data with the same parameters goes on from it and ends
        with the same weights, bit for bit, on the same machine; `max_minutes` counts
        the time of all attempts. The file stays: once the fit is whole, `fit` trains no
        more and gives the same model at once; remove the file to train again. A file
        of another fit, of another version or damaged is refused, never written over.
        Needs an int for `random_state`. `save` does not keep the path.
    device : str, default "auto"
        Where to fit and to answer: "cpu", "cuda" ("cuda:1" is the second of several) or
        "mps"; "auto" takes CUDA where it is present, else MPS where it is, else the
        CPU. Random numbers are the same everywhere, results up to rounding. It is
        looked for anew at each use: `save` does not keep it.
    random_state : int, Generator, RandomState or None, default None
        An int repeats fit and draws at every call; None gives fresh ones; a generator
        moves on at every call.
    verbose : int, default 0
        1 shows one progress bar with loss and remaining time.

    Attributes
    ----------
    history_ : DataFrame
        Steps, seconds, losses and validation CRPS (in units of the channels' scales)
        along the fit.
    n_iter_ : int
        Optimiser steps made.
    interrupted_ : bool
        Whether the fit was stopped by KeyboardInterrupt; the best weights until then
        are kept.
    skill_ : dict
        How good the fit is on cells that were held out of it: "crps" (twice the mean
        pinball loss at 19 levels, in units of the channels), "crps_reference" (that of
        the "reference", linear interpolation, with normal errors), "skill" (1 - crps /
        crps_reference; negative is worse), "coverage_90" (share inside the 90 %
        intervals) and "n_cells". A fit of 100 steps or more that is worse beyond chance
        ends with a ConvergenceWarning; `verbose=1` prints one line.
    n_features_in_ : int
        Number of channels.
    feature_names_in_ : ndarray of str
        Only if `X` has names that are text.

    See Also
    --------
    tsdiff.Draws : What `sample` returns.
    tsdiff.baselines : Classic ways to fill gaps, with the same methods.

    Notes
    -----
    A column of which nothing is observed in `fit` is filled by 0, with a warning. A
    column that is constant in `fit` is filled by its value. Gaps at the ends of a
    series, and those longer than the window, are answered from afar: their intervals
    are wide.

    scikit-learn's checks that rows can be answered one by one or in another order hold
    here only because complete rows pass unchanged: rows of a time series are not
    exchangeable.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from tsdiff import DiffusionImputer
    >>> y = pd.Series(np.sin(np.arange(60) / 5), name="y")
    >>> y.iloc[20:24] = np.nan
    >>> imputer = DiffusionImputer(max_epochs=2, width=16, depth=1, random_state=0)
    >>> filled = imputer.fit(y).transform(y)
    >>> int(filled.isna().sum()), bool((filled[y.notna()] == y.dropna()).all())
    (0, True)
    >>> imputer.predict_interval(y, coverage=0.9).columns.tolist()
    ['y-lo-90', 'y-hi-90']
    >>> imputer.predict_quantiles(y, alpha=[0.1, 0.5]).columns.tolist()
    ['y-q-0.1', 'y-q-0.5']
    >>> imputer.sample(y, n_samples=20)
    Draws(20 raw samples of 4 answered cells; 60 rows x 1 channels)
    """

    def __init__(
        self,
        *,
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
        max_gap: int | str | pd.Timedelta | None = None,
        abstain: float | None = None,
        warm_start: bool = False,
        checkpoint_path: str | os.PathLike[str] | None = None,
        device: str = "auto",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
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
        self.max_gap = max_gap
        self.abstain = abstain
        self.warm_start = warm_start
        self.checkpoint_path = checkpoint_path
        self.device = device
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the observed cells of `X`.

        Parameters
        ----------
        X : DataFrame, Series, array or polars frame
            Rows are time, columns are channels, NaN is missing. Many series: a
            MultiIndex ``(unique_id, ds)``, or an array of shape (n_series, n_times,
            n_channels). A `tsdiff.ParquetPanel` or `tsdiff.ArrayPanel` may be larger
            than memory: windows are drawn of all its series; what is told of the data
            as a whole is of some, drawn at random.
        y : None
            Ignored; scikit-learn's pipelines pass it.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            For data or parameters that can't be used, naming column, row and value.
        KeyboardInterrupt
            If training was stopped by the user; the best weights until then are kept.

        Warns
        -----
        UserWarning
            If there is little to learn from, or the window shrinks to the data.
        ConvergenceWarning
            If the loss was not finite several times in a row; the best weights until
            then are kept.
        """
        del y
        fit_panel(self, X)
        return self

    def as_forecaster(self, horizon: int, history: Any = None) -> DiffusionForecaster:
        """Look ahead by the same fitted model, without training again.

        Parameters
        ----------
        horizon : int
            Steps ahead that `predict` answers by default.
        history : as `X` in `fit`, optional
            To forecast from; without it, `predict` needs its `y`.

        Returns
        -------
        DiffusionForecaster
            With the parameters of this imputer.

        Raises
        ------
        NotFittedError
            Before `fit`.
        TypeError, ValueError
            If `horizon` or `history` can't be used.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> y = pd.Series(np.sin(np.arange(60) / 5), name="y")
        >>> imputer = DiffusionImputer(max_epochs=1, width=16, depth=1, random_state=0)
        >>> imputer.fit(y).as_forecaster(3, y).predict().index.tolist()
        [60, 61, 62]
        """
        from tsdiff import DiffusionForecaster  # which imports this module itself

        check_is_fitted(self, "model_")
        check_count("horizon", horizon)
        parameters = self.get_params(deep=False)
        del parameters["max_gap"]
        forecaster = DiffusionForecaster(horizon=horizon, **parameters)
        return share_fit(self, forecaster)._remember(history)
