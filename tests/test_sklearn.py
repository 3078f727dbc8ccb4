"""The imputer keeps scikit-learn's contract: its own checks, pipelines, containers."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import clone, config_context
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags

from tsdiff import DiffusionImputer

NAN = np.nan
DAYS = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
#: What the checks' tiny data deserve to be told, and their arrays after frames.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Only .* value:UserWarning"),
    pytest.mark.filterwarnings("ignore:window=.* shrinks:UserWarning"),
]


def tiny(**parameters: Any) -> DiffusionImputer:
    sizes = {"max_epochs": 1, "window": 8, "width": 8, "depth": 1, "random_state": 0}
    return DiffusionImputer(**sizes | parameters)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 2)), DAYS, ["a", "b"])
    X.iloc[5:8, 0] = NAN
    X.iloc[20:22] = NAN
    return X


@estimator_checks.parametrize_with_checks([tiny()])
def test_every_check_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)


@pytest.mark.parametrize(
    "name",
    [
        "check_dataframe_column_names_consistency",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_pandas",
        "check_set_output_transform_polars",
        "check_global_output_transform_pandas",
        "check_global_set_output_transform_polars",
        "check_inplace_ensure_writeable",
        "check_get_feature_names_out_error",
    ],
)
def test_checks_that_scikit_learn_leaves_to_the_author(name: str) -> None:
    getattr(estimator_checks, name)("DiffusionImputer", tiny())


def test_no_check_is_skipped_or_expected_to_fail() -> None:
    tags = get_tags(tiny())
    assert not (tags.no_validation or tags.non_deterministic or tags._skip_test)
    assert tags.input_tags.allow_nan
    assert tags.input_tags.two_d_array  # without it most checks don't run
