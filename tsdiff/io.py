"""Save and load: one safetensors file with JSON metadata, never a pickle.

The metadata hold the class, its parameters, the schema of the data, scaling, sizes,
versions and a SHA-256 of the weights, history and calibration; a second one covers the
metadata themselves. Loading checks, in this order: class and format, kinds and ranges
in the metadata, size, digests, names and shapes of tensors, finite weights; only then
is anything built. No code is ever run from a file.
"""

from __future__ import annotations

import dataclasses
import os
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from tsdiff._version import __version__
from tsdiff.atomic import write_whole
from tsdiff.calibration import Calibration
from tsdiff.diffusion.network import Network, NetworkConfig
from tsdiff.fingerprint import Fingerprint
from tsdiff.learning import Model
from tsdiff.panel.keepsake import pack_past, unpack_past
from tsdiff.panel.past import Extras
from tsdiff.panel.scaling import Scaler
from tsdiff.parameters import check_count, check_parameters
from tsdiff.plain import (
    pack_parameters,
    pack_scaler,
    plain_fields,
    unpack_parameters,
    unpack_scaler,
)
from tsdiff.schema import Schema
from tsdiff.sealed import FAULTS, seal, unseal
from tsdiff.settings import own_torch

FORMAT = 1
_LARGEST_SIZE = 2**24  # of any one number of the network's configuration
_LEAST = dict.fromkeys(  # of all other numbers it is 1
    ("n_time_features", "dropout", "smooth", "joint", "n_centred"), 0
)
_KINDS = {
    **dict.fromkeys(("parameters", "schema", "network", "scaler", "history"), dict),
    **{"n_iter": int, "interrupted": bool, "text_names": bool},
}
_LISTS = ("channels", "columns", "calendar_names")  # of the schema
# of names of arrays that are no weights
_PAST, _CALIBRATION, _SEEN = "past/", "calibration/", "seen/"
Weights = dict[str, torch.Tensor]


class Storable:
    """Mixin of fitted estimators that can be kept in a file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from tsdiff import DiffusionImputer
    >>> y = pd.Series(np.sin(np.arange(60) / 5), name="y").where(np.arange(60) % 9 > 0)
    >>> imputer = DiffusionImputer(max_epochs=1, width=8, depth=1, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     imputer.fit(y).save(f"{folder}/model.tsdiff")
    ...     loaded = DiffusionImputer.load(f"{folder}/model.tsdiff")
    >>> bool((loaded.transform(y) == imputer.transform(y)).all())
    True
    """

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator into one file: weights and JSON, never a pickle.

        Parameters
        ----------
        path : str or Path
            Replaced in one step if it exists; on failure the old file stays as it was.
            If it is a symbolic link, the file it points to is replaced.

        Raises
        ------
        NotFittedError
            Before `fit`.
        OSError
            If the file can't be written.
        TypeError
            If a parameter has no form in JSON.

        Warns
        -----
        UserWarning
            If `random_state` is a generator: its state is not kept.
        """
        check_is_fitted(self, "model_")
        write_whole(Path(os.path.realpath(path)), _encode(self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a fitted estimator from a file that `save` wrote.

        Parameters
        ----------
        path : str or Path

        Returns
        -------
        estimator
            Draws with the same seed are those of the one saved, bit for bit, on the
            same machine and versions.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, of another class, or of a newer format.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}.")
        plan, weights = unseal(path, cls.__name__, FORMAT, partial(_plan, cls))
        try:
            return _build(plan, weights)
        except FAULTS as error:
            raise ValueError(
                f"{path} is damaged or forged: {error}. Use a copy."
            ) from error


def _encode(estimator: Any) -> bytes:
    """Write a fitted estimator as the bytes of a file."""
    model, history = estimator.model_, estimator.history_
    weights = {k: v.contiguous() for k, v in model.network.state_dict().items()}
    more: dict[str, Any] = {}
    parameters = estimator.get_params(deep=False)
    for name in ("checkpoint_path", "device"):  # of a fit, or a machine; no model's
        del parameters[name]
    if hasattr(estimator, "past_"):
        more["forecast"], arrays = pack_past(estimator.extras_, estimator.past_)
        weights |= _tensors(_PAST, arrays)
    if hasattr(estimator, "seen_"):
        weights |= _tensors(_SEEN, {"hashes": estimator.seen_.hashes.view(np.int64)})
    if hasattr(estimator, "calibration_"):
        weights |= _tensors(_CALIBRATION, estimator.calibration_.arrays())
    metadata = {
        "format": FORMAT,
        "class": type(estimator).__name__,
        "versions": {"tsdiff": __version__, "torch": str(torch.__version__)},
        "parameters": pack_parameters(parameters),
        "schema": dataclasses.asdict(estimator.schema_),
        "network": dataclasses.asdict(model.network.config),
        "scaler": pack_scaler(model.scaler),
        "history": history.to_dict("list"),
        "horizon": model.horizon,
        "n_iter": estimator.n_iter_,
        "interrupted": estimator.interrupted_,
        "skill": estimator.skill_,
        "text_names": hasattr(estimator, "feature_names_in_"),
        **more,
    }
    return seal(metadata, weights)


def _tensors(prefix: str, arrays: dict[str, np.ndarray]) -> Weights:
    """Give arrays as tensors with names of their own."""
    return {f"{prefix}{k}": torch.from_numpy(v.copy()) for k, v in arrays.items()}


def _arrays(prefix: str, weights: Weights) -> dict[str, np.ndarray]:
    """Undo `_tensors`."""
    names = [name for name in weights if name.startswith(prefix)]
    return {name.removeprefix(prefix): weights[name].numpy() for name in names}


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What the metadata of a file say, checked; weights and arrays are still to come.

    Nothing of the estimator is seen before they are checked too.
    """

    estimator: Any
    config: NetworkConfig
    scaler: Scaler
    horizon: int | None
    forecast: dict[str, Any] | None


def _plan(cls: Any, said: dict[str, Any]) -> _Plan:
    """Check kinds and ranges of what the metadata say, before any tensor is read."""
    for name, kind in _KINDS.items():
        if type(said[name]) is not kind:
            raise TypeError(f"its {name!r} is no {kind.__name__}")
    estimator = cls(**unpack_parameters(said["parameters"]))
    if estimator.checkpoint_path is not None:
        raise ValueError("it names a file that a fit would write")
    check_parameters(estimator)
    lists = {name: said["schema"][name] for name in _LISTS}
    if not all(isinstance(names, list) for names in lists.values()):
        raise TypeError("the names of its schema are no lists")
    schema = Schema(**said["schema"] | {k: tuple(v) for k, v in lists.items()})
    estimator.schema_, estimator.n_features_in_ = schema, len(schema.channels)
    if said["text_names"]:
        estimator.feature_names_in_ = np.asarray(schema.channels, dtype=object)
    estimator.history_ = pd.DataFrame(said["history"])
    estimator.n_iter_, estimator.interrupted_ = said["n_iter"], said["interrupted"]
    estimator.skill_ = dict(said.get("skill", {}))  # the first files had none
    config, scaler = _config(said["network"]), unpack_scaler(said["scaler"])
    if len(scaler.supports) != config.n_channels:
        raise ValueError("the numbers of its channels differ")
    horizon = said.get("horizon")  # of which the first files knew nothing
    if horizon is not None:
        horizon = check_count("horizon", horizon)
    looks_ahead = "horizon" in said["parameters"]
    forecast = said["forecast"] if looks_ahead else None
    return _Plan(estimator, config, scaler, horizon, forecast)


def _config(stored: dict[str, Any]) -> NetworkConfig:
    """Read the sizes of a network that can be."""
    config = NetworkConfig(**plain_fields(stored))
    possible = all(
        _LEAST.get(name, 1) <= number <= _LARGEST_SIZE
        for name, size in dataclasses.asdict(config).items()
        for number in (size if isinstance(size, tuple) else (size,))
    )
    if not possible or config.width % config.heads:
        raise ValueError(f"no network has the sizes {stored}")
    return config


def _build(plan: _Plan, weights: Weights) -> Any:
    """Check weights and arrays, and give them to the estimator."""
    estimator, config, schema = plan.estimator, plan.config, plan.estimator.schema_
    own = {k: v for k, v in weights.items() if "/" not in k}
    network = _network(config, own)
    extras, past = Extras(), None
    if plan.forecast is not None:
        extras, past = unpack_past(plan.forecast, _arrays(_PAST, weights))
        estimator.extras_, estimator.past_ = extras, past
    if len(schema.channels) + len(extras.channels) != config.n_channels:
        raise ValueError("the numbers of its channels differ")
    if len(schema.calendar_names) + len(extras.features) != config.n_time_features:
        raise ValueError("the numbers of its calendar features differ")
    for hashes in _arrays(_SEEN, weights).values():
        estimator.seen_ = Fingerprint(hashes.view(np.uint64))
    calibration = _arrays(_CALIBRATION, weights)  # of which not every file knows
    if calibration:
        estimator.calibration_ = Calibration.of_arrays(calibration)
        estimator.calibration_.check_channels(len(schema.channels))
    estimator.model_ = Model(network, plan.scaler, plan.horizon)
    return estimator


def _network(config: NetworkConfig, weights: Weights) -> Network:
    """Build the network, once it is clear that the weights are those of its sizes."""
    if config.depth + config.denoiser_depth > len(weights):
        raise ValueError("its weights are too few for its depth")
    with own_torch():
        with torch.device("meta"):  # shapes without memory: the sizes may be anything
            network = Network(config)
        needed = network.state_dict()
        if {k: (v.shape, v.dtype) for k, v in needed.items()} != {
            k: (v.shape, v.dtype) for k, v in weights.items()
        }:
            raise ValueError("the weights are not those of a network of its sizes")
        for name, tensor in weights.items():
            if not bool(torch.isfinite(tensor).all()):
                raise ValueError(f"weights {name!r} are not finite")
        # copies begin where memory is aligned, as those of a fit do: the same rounding
        aligned = {name: tensor.clone() for name, tensor in weights.items()}
        network.load_state_dict(aligned, assign=True)
    return network.eval()
