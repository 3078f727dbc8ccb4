"""The imputer keeps scikit-learn's contract: its own checks, pipelines, containers."""

from __future__ import annotations

import inspect
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn import clone, config_context
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.exceptions import NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import estimator_checks, get_tags

from tsdiff import DiffusionImputer, _base
from tsdiff.learning import Plan, fit_model
from tsdiff.panel.frame import Panel

NAN = np.nan
DAYS = pd.date_range("2024-01-01", periods=40, freq="D", name="day")
#: What the checks' tiny data, and their arrays after frames, deserve to be told.
DESERVED = pytest.mark.filterwarnings(
    "ignore:Only .* value",
    "ignore:window=.* shrinks",
    "ignore:X does not have valid feature names",
    "ignore:X has feature names, but",
    "ignore:The index is text",
)


def tiny(**parameters: Any) -> DiffusionImputer:
    sizes = {"max_epochs": 1, "window": 8, "width": 8, "depth": 1, "random_state": 0}
    return DiffusionImputer(**sizes | parameters)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(40, 2)), DAYS, ["a", "b"])
    X.iloc[5:8, 0] = NAN
    X.iloc[20:22] = NAN
    return X


@DESERVED
@pytest.mark.parametrize(
    "check",
    [check for _, check in estimator_checks.estimator_checks_generator(tiny())],
    ids=lambda check: check.func.__name__,
)
def test_every_check_of_scikit_learn(check: Any) -> None:
    check(tiny())


@pytest.fixture
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fit equal data once, for checks that look at names and containers alone."""
    memory: dict[str, Any] = {}

    def fit(panel: Panel, plan: Plan, seed: int, *rest: Any) -> Any:
        learned = (panel.values, panel.bounds, panel.elapsed, panel.calendar)
        key = joblib.hash((learned, plan, seed))
        if key not in memory:
            memory[key] = fit_model(panel, plan, seed, *rest)
        return memory[key]

    monkeypatch.setattr(_base, "fit_model", fit)


@DESERVED
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    "name",
    [
        "check_dataframe_column_names_consistency",
        "check_transformer_get_feature_names_out",
        "check_transformer_get_feature_names_out_pandas",
        "check_set_output_transform",
        "check_set_output_transform_polars",
        "check_global_set_output_transform_polars",
        "check_inplace_ensure_writeable",
        "check_get_feature_names_out_error",
    ],
)
def test_checks_that_scikit_learn_leaves_to_the_author(name: str) -> None:
    getattr(estimator_checks, name)("DiffusionImputer", tiny())


class Arrays(DiffusionImputer):
    """An imputer whose answers are arrays unless `set_output` says otherwise."""

    def transform(self, X: Any) -> Any:
        return np.asarray(super().transform(X))


@DESERVED
@pytest.mark.usefixtures("remembered")
@pytest.mark.parametrize(
    "name",
    ["check_set_output_transform_pandas", "check_global_output_transform_pandas"],
)
def test_checks_of_frames_against_arrays(name: str) -> None:
    # They build what they expect by pandas.DataFrame(answer, columns=...), which names
    # the columns of an array, but picks columns of a frame.
    getattr(estimator_checks, name)("Arrays", Arrays(**tiny().get_params()))


def test_no_check_is_skipped_or_expected_to_fail() -> None:
    tags = get_tags(tiny())
    assert not tags.no_validation
    assert not tags.non_deterministic
    assert not tags._skip_test
    assert tags.input_tags.allow_nan
    assert tags.input_tags.two_d_array  # without it most checks don't run


def test_the_constructor_only_stores() -> None:
    given = {
        name: object()
        for name in inspect.signature(DiffusionImputer).parameters
        if name != "self"
    }
    imputer = DiffusionImputer(**given)
    assert vars(imputer) == given
    assert imputer.get_params() == given


def test_a_clone_has_the_parameters_but_not_the_fit() -> None:
    imputer = tiny(mask_mix={"random": 1.0}, max_gap=3).fit(frame())
    copy = clone(imputer)
    assert copy.get_params() == imputer.get_params()
    with pytest.raises(NotFittedError):
        copy.transform(frame())
    pd.testing.assert_frame_equal(
        copy.fit(frame()).transform(frame()), imputer.transform(frame())
    )


@pytest.mark.parametrize(
    "method",
    ["transform", "sample", "predict_interval", "predict_quantiles", "save"],
)
def test_every_answer_needs_a_fit(method: str, tmp_path: Any) -> None:
    argument = tmp_path / "model" if method == "save" else frame()
    with pytest.raises(NotFittedError):
        getattr(tiny(), method)(argument)
    with pytest.raises(NotFittedError):
        tiny().get_feature_names_out()


def test_fit_twice_is_fit_once() -> None:
    X = frame()
    imputer = tiny().fit(X.iloc[:35])
    twice = imputer.fit(X).transform(X)
    pd.testing.assert_frame_equal(twice, tiny().fit(X).transform(X))
    pd.testing.assert_frame_equal(twice, tiny().fit_transform(X))


@pytest.mark.parametrize("container", ["default", "pandas", "polars"])
def test_set_output_chooses_the_container(container: str) -> None:
    X = frame()
    expected = tiny().fit(X).transform(X)
    for data in (X, X.to_numpy()):
        answer = tiny().set_output(transform=container).fit(data).transform(data)
        if container == "polars":
            pl = pytest.importorskip("polars")
            assert isinstance(answer, pl.DataFrame)
        if container == "pandas" or (container == "default" and data is X):
            assert isinstance(answer, pd.DataFrame)
        names = list(getattr(answer, "columns", ["x0", "x1"]))
        assert names == (["a", "b"] if data is X else ["x0", "x1"])
        if data is X:
            np.testing.assert_array_equal(np.asarray(answer), expected.to_numpy())
    with config_context(transform_output="pandas"):
        answer = tiny().fit(X).transform(X)
    pd.testing.assert_frame_equal(answer, expected)
    assert answer.index.freq == X.index.freq


def test_a_polars_frame_keeps_its_time_column_under_set_output() -> None:
    pl = pytest.importorskip("polars")
    X = pl.from_pandas(frame().reset_index())
    imputer = tiny().set_output(transform="polars").fit(X)
    assert imputer.get_feature_names_out().tolist() == ["day", "a", "b"]
    assert imputer.feature_names_in_.tolist() == ["a", "b"]
    answer = imputer.transform(X)
    assert answer.columns == ["day", "a", "b"]
    assert answer["day"].equals(X["day"])
    assert answer.null_count().sum_horizontal().item() == 0


def test_names_that_are_no_text_are_checked_too() -> None:
    X = frame().set_axis([1, 2], axis=1)
    imputer = tiny().fit(X)
    assert not hasattr(imputer, "feature_names_in_")  # scikit-learn's rule
    assert imputer.n_features_in_ == 2
    assert list(imputer.transform(X).columns) == [1, 2]
    with pytest.raises(ValueError, match=r"names should match.*'2', '1'.*in th"):
        imputer.transform(X[[2, 1]])


def test_a_pipeline_keeps_frame_and_index() -> None:
    X = frame()
    steps = make_pipeline(StandardScaler(), tiny()).set_output(transform="pandas")
    answer = steps.fit_transform(X)
    pd.testing.assert_index_equal(answer.index, X.index)
    assert not answer.isna().to_numpy().any()
    assert steps.get_feature_names_out().tolist() == ["a", "b"]
    scaled = StandardScaler().fit_transform(X)
    seen = ~np.isnan(scaled)
    np.testing.assert_array_equal(answer.to_numpy()[seen], scaled[seen])


def test_a_column_transformer_fills_the_columns_it_is_given() -> None:
    X = frame().assign(city="Wien")
    split = ColumnTransformer(
        [("fill", tiny(), make_column_selector(dtype_include="number"))],
        remainder="passthrough",
        verbose_feature_names_out=False,
    ).set_output(transform="pandas")
    answer = split.fit_transform(X)
    assert answer.columns.tolist() == ["a", "b", "city"]
    pd.testing.assert_frame_equal(answer[["a", "b"]], tiny().fit_transform(frame()))


def test_rows_with_names_are_numbered_with_a_warning() -> None:
    X = frame().set_axis([f"row {i}" for i in range(40)], axis=0)
    with pytest.warns(UserWarning, match=r"index is text \('row 0', ...\), no time"):
        imputer = tiny().fit(X)
    with pytest.warns(UserWarning, match="index is text"):
        answer = imputer.transform(X)
    pd.testing.assert_index_equal(answer.index, X.index)
    plain = X.reset_index(drop=True)
    expected = tiny().fit(plain).transform(plain).set_axis(X.index, axis=0)
    pd.testing.assert_frame_equal(answer, expected)
    dates = X.set_axis(DAYS.strftime("%Y-%m-%d"), axis=0)
    with pytest.raises(TypeError, match=r"no time: it holds string.*to_datetime"):
        tiny().fit(dates)
