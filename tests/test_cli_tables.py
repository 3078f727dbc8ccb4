"""Commands on tables: what they write, what they leave alone, what they refuse."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from tsdiff import DiffusionForecaster, DiffusionImputer, from_long, report
from tsdiff.cli import chunks, main

N, EVERY = 300, "10min"
TINY = [f"--set={text}" for text in ("max_epochs=1", "width=8", "depth=1", "window=16")]


def readings() -> pd.DataFrame:
    """Text of a table: a time, a ward, two targets with gaps."""
    t = np.arange(N)
    frame = pd.DataFrame(
        {
            "when": pd.date_range("2024-03-28", periods=N, freq=EVERY).astype(str),
            "ward": np.where(t % 2, "W1", "NA"),
            "glucose": [f"{x:.2f}" for x in 100 + 20 * np.sin(t / 9)],
            "pulse": [f"{x:.1f}" for x in 60 + 5 * np.cos(t / 13)],
        }
    )
    frame.loc[t % 50 > 43, "glucose"] = ""
    frame.loc[t % 37 < 3, "pulse"] = "NA"
    return frame


def numbers(frame: pd.DataFrame) -> pd.DataFrame:
    """Targets as a user of the library would read them."""
    index = pd.DatetimeIndex(frame["when"], name="when")
    targets = frame[["glucose", "pulse"]].replace({"": None, "NA": None})
    return targets.astype(float).set_axis(index, axis=0)


def texts(path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, na_filter=False)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    path = tmp_path_factory.mktemp("given") / "in.csv"
    readings().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(given, tmp_path_factory):
    """Fill once: the folder of output, picture and model."""
    folder = tmp_path_factory.mktemp("run")
    code = main(
        [
            *("impute", str(given), "--target", "glucose", "pulse", "--interval=0.9"),
            *("-o", f"{folder}/out.csv", "--plot", f"{folder}/out.html"),
            *("--model", f"{folder}/m.tsdiff", *TINY),
        ]
    )
    assert code == 0
    return folder


def again(given, folder, *more) -> int:
    """Fill by the fit that there is."""
    targets = ["--target", "glucose", "pulse"]
    return main(
        ["impute", str(given), *targets, "--model", f"{folder}/m.tsdiff", *more]
    )


# --- impute ---------------------------------------------------------------------------


def test_observed_cells_and_other_columns_stay_character_for_character(given, run):
    before, after = texts(given), texts(run / "out.csv")
    bands = [f"{c}-{side}-90" for c in ("glucose", "pulse") for side in ("lo", "hi")]
    assert after.columns.tolist() == [*before.columns, *bands]
    missing = before.isin(["", "NA"])
    missing["ward"] = False
    assert missing.to_numpy().sum() > 50
    assert (after[before.columns] == before).to_numpy()[~missing.to_numpy()].all()
    assert not after.isin(["", "NA"]).drop(columns="ward").to_numpy().any()


def test_filled_cells_are_those_of_the_library(given, run):
    data, answer = numbers(texts(given)), pd.read_csv(run / "out.csv")
    imputer = DiffusionImputer.load(run / "m.tsdiff")
    expected = imputer.transform(data)
    np.testing.assert_allclose(answer[["glucose", "pulse"]], expected, rtol=1e-8)
    bands = imputer.predict_interval(data, coverage=0.9)
    np.testing.assert_allclose(answer[bands.columns], bands, rtol=1e-8)


def test_picture_needs_no_network(run):
    page = (run / "out.html").read_text(encoding="utf-8")
    assert len(page) > 1_000_000
    assert "values filled" in page


def test_borders_of_chunks_change_no_answer(given, run, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "_ROWS", 64)
    assert chunks.chunk_sizes(16) == (64, 64)  # five chunks of 300 rows
    assert again(given, run, "--interval=0.9", "-o", f"{tmp_path}/out.csv") == 0
    piecewise = (tmp_path / "out.csv").read_bytes()
    assert texts(tmp_path / "out.csv").shape == (N, 8)
    columns = ["glucose", "pulse", "pulse-lo-90", "glucose-hi-90"]
    one, other = pd.read_csv(tmp_path / "out.csv"), pd.read_csv(run / "out.csv")
    np.testing.assert_allclose(one[columns], other[columns], rtol=1e-6)
    assert piecewise.count(b"when") == 1


def test_gaps_longer_than_asked_stay_as_they_were(given, run, tmp_path, capsys):
    assert again(given, run, "--max-gap=50min", "-o", f"{tmp_path}/out.csv") == 0
    before, after = texts(given), texts(tmp_path / "out.csv")
    assert after["glucose"].equals(before["glucose"])  # gaps of six rows
    assert "NA" not in set(after["pulse"])  # gaps of three
    assert capsys.readouterr().err.count("tsdiff: note: ") == 1


def test_model_that_is_there_is_not_fitted_again(given, run, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("fitted")

    monkeypatch.setattr(DiffusionImputer, "fit", refuse)
    assert again(given, run, "--interval=0.9", "-o", f"{tmp_path}/out.csv") == 0
    same = (run / "out.csv").read_bytes()
    assert (tmp_path / "out.csv").read_bytes() == same
    with pytest.raises(AssertionError, match="fitted"):
        again(given, run, "--fit", "--debug")


def test_stdout_holds_the_table_alone(given, run, capsys):
    assert again(given, run, "--interval=0.9") == 0
    said = capsys.readouterr()
    assert said.out == (run / "out.csv").read_text(encoding="utf-8")
    assert "time is column 'when', read as ISO 8601" in said.err
    assert again(given, run, "--quiet") == 0
    assert capsys.readouterr().err == ""


def test_german_export_is_written_as_it_came(tmp_path):
    frame = readings().drop(columns="ward")
    stamps = pd.DatetimeIndex(frame["when"])
    frame["when"] = stamps.strftime("%d.%m.%Y %H:%M")
    for name in ("glucose", "pulse"):
        frame[name] = frame[name].str.replace(".", ",").replace({"NA": "-999"})
    frame.to_csv(tmp_path / "in.csv.gz", index=False, sep=";")
    out = tmp_path / "out.csv.gz"
    more = ["--sep=;", "--decimal=,", "--missing", "-999", "-o", str(out), *TINY]
    assert main(["impute", str(tmp_path / "in.csv.gz"), *more]) == 0
    after = pd.read_csv(out, sep=";", dtype=str, na_filter=False)
    assert after["when"].equals(frame["when"])
    for name in ("glucose", "pulse"):
        seen = ~frame[name].isin(["", "-999"])
        assert (after[name] == frame[name])[seen].all()
        assert after[name].str.fullmatch(r"\d+(,\d+)?").all()


def test_many_series_in_any_order(tmp_path):
    frame = readings().drop(columns="pulse")
    frame["ward"] = np.where(np.arange(N) % 2, "W1", "W2")
    frame.to_csv(tmp_path / "in.csv", index=False)
    files = ["-o", f"{tmp_path}/out.csv", "--model", f"{tmp_path}/m.tsdiff"]
    assert main(["impute", f"{tmp_path}/in.csv", "--id=ward", *files, *TINY]) == 0
    data = frame.assign(
        when=pd.DatetimeIndex(frame["when"]),
        glucose=frame["glucose"].replace("", None).astype(float),
    )
    imputer = DiffusionImputer.load(tmp_path / "m.tsdiff")
    expected = imputer.transform(from_long(data, "ward", "when"))
    answer = pd.read_csv(tmp_path / "out.csv")
    assert (answer["ward"] == frame["ward"]).all()
    np.testing.assert_allclose(answer["glucose"], expected["glucose"], rtol=1e-8)


def test_parquet_comes_back_as_parquet(tmp_path, run):
    pytest.importorskip("pyarrow")
    data = numbers(readings()).reset_index()
    data.to_parquet(tmp_path / "in.parquet")
    files = ["-o", f"{tmp_path}/out.parquet", "--model", f"{run}/m.tsdiff"]
    assert main(["impute", f"{tmp_path}/in.parquet", *files]) == 0
    answer = pd.read_parquet(tmp_path / "out.parquet").set_index("when")
    expected = DiffusionImputer.load(run / "m.tsdiff").transform(numbers(readings()))
    pd.testing.assert_frame_equal(
        answer, expected, check_freq=False, check_index_type=False
    )


# --- forecast and backtest ------------------------------------------------------------


def test_forecast_is_that_of_the_library_in_the_form_of_the_file(tmp_path, capsys):
    frame = readings().drop(columns="ward")
    data = numbers(frame)
    frame["when"] = data.index.strftime("%d/%m/%Y %H:%M")
    frame.to_csv(tmp_path / "in.csv", index=False)
    form = ["--time-format", "%d/%m/%Y %H:%M", "--interval", "0.8", *TINY]
    files = ["--model", f"{tmp_path}/m.tsdiff", "--plot", f"{tmp_path}/out.html"]
    assert main(["forecast", f"{tmp_path}/in.csv", "-h", "5", *files, *form]) == 0
    out = tmp_path / "out.csv"
    out.write_text(capsys.readouterr().out, encoding="utf-8")
    answer = pd.read_csv(out, index_col="when")
    expected = DiffusionForecaster.load(tmp_path / "m.tsdiff").predict(level=80)
    assert answer.columns.tolist() == expected.columns.tolist()
    np.testing.assert_allclose(answer, expected, rtol=1e-8)
    assert answer.index.tolist() == expected.index.strftime("%d/%m/%Y %H:%M").tolist()
    assert "Plotly.newPlot" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_forecast_of_many_series_names_them(tmp_path, capsys):
    frame = readings().drop(columns=["pulse", "when"])
    frame["ward"] = np.repeat(["a", "b"], N // 2)
    frame.to_csv(tmp_path / "in.csv", index=False)
    assert main(["forecast", f"{tmp_path}/in.csv", "--id=ward", "-h", "2", *TINY]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert rows[0] == "ward,row,glucose"
    places = [tuple(row.split(",")[:2]) for row in rows[1:]]
    assert places == [("a", "150"), ("a", "151"), ("b", "300"), ("b", "301")]


@pytest.mark.parametrize("horizon", [[], ["-h", "4"]])
def test_backtest_scores_beside_classic_methods(given, horizon, capsys):
    how = ["--target", "pulse", "--repeats", "1", "--quiet", *horizon, *TINY]
    assert main(["backtest", str(given), *how]) == 0
    said = capsys.readouterr()
    rows = [row.split(",") for row in said.out.splitlines()]
    others = ["seasonal naive", "ETS"] if horizon else ["linear", "Kalman"]
    assert [row[0] for row in rows] == ["model", "tsdiff", *others]
    assert float(rows[1][rows[0].index("crps")]) > 0
    assert all(
        f"than {other}" in said.err or f"from {other}" in said.err for other in others
    )


def test_repair_changes_the_cells_that_it_lists_and_no_other(tmp_path):
    frame = readings()
    frame.loc[[100, 200], "glucose"] = ["9999", "-9999"]
    frame.to_csv(tmp_path / "in.csv", index=False)
    files = ["-o", f"{tmp_path}/out.csv", "--flagged", f"{tmp_path}/odd.csv"]
    targets = ["--target", "glucose", "pulse", "--quiet", *TINY]
    assert main(["repair", f"{tmp_path}/in.csv", *files, *targets]) == 0
    before, after = texts(tmp_path / "in.csv"), texts(tmp_path / "out.csv")
    rows, columns = np.nonzero((before != after).to_numpy())
    changed = sorted(zip(before["when"][rows], before.columns[columns], strict=True))
    odd = pd.read_csv(tmp_path / "odd.csv")
    assert sorted(zip(odd["ds"], odd["channel"], strict=True)) == changed
    assert {100, 200} <= set(rows)
    assert after["glucose"].iloc[[100, 200]].astype(float).abs().max() < 1000


# --- report ---------------------------------------------------------------------------


def test_report_is_that_of_the_library(given, run, tmp_path):
    page = tmp_path / "page.html"
    targets = ["--target", "glucose", "pulse", "--model", f"{run}/m.tsdiff"]
    assert main(["report", str(given), "-o", str(page), *targets]) == 0
    imputer = DiffusionImputer.load(run / "m.tsdiff")
    imputer.set_params(verbose=0)
    assert page.read_text(encoding="utf-8") == report(imputer, numbers(readings()))


def test_report_on_forecasts_tries_rows_behind_the_fit(given, capsys):
    how = ["--target", "pulse", "-h", "4", "--fit-rows", "200", *TINY]
    assert main(["report", str(given), *how]) == 0
    said = capsys.readouterr()
    assert "fits on the first 200 rows" in said.err
    assert said.out.startswith("<!DOCTYPE html>")
    assert "Out of sample" in said.out


# --- Refusals -------------------------------------------------------------------------

FAULTS = {
    "text": ("t,y\n2024-01-01,1\n2024-01-02,n/e\n", "Column 'y', row 2: 'n/e' is no"),
    "time": ("t,y\n2024-01-01,1\nsoon,2\n", "Column 't', row 2: 'soon' is no date"),
    "twice": ("t,y,y\n2024-01-01,1,2\n", "'y' more than once"),
    "nameless": ("1,2\n3,4\n", "holds numbers, not names"),
    "empty": ("", "is empty"),
    "header": ("t,y\n", "has no rows"),
    "longer": ("t,y\n2024-01-01,1\n2024-01-02,1,2\n", "line 3"),
    "two ways": ("t,y\n01/02/2024,1\n02/02/2024,2\n", "Say which by --time-format"),
    "backwards": ("t,y\n2024-01-02,1\n2024-01-01,2\n2024-01-03,3\n", "2024-01-01"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_data_that_cant_be_used_end_with_code_1_and_one_line(fault, tmp_path, capsys):
    content, complaint = FAULTS[fault]
    path = tmp_path / "in.csv"
    path.write_text(content, encoding="utf-8")
    time = ["--time=t"] if fault == "time" else []
    out = tmp_path / "out.csv"
    assert main(["impute", str(path), "--quiet", "-o", str(out), *time, *TINY]) == 1
    said = capsys.readouterr().err
    assert said.startswith("tsdiff: error: ")
    assert said.count("\n") == 1
    assert complaint in said
    assert not out.exists()


def test_fault_far_down_leaves_the_old_output(given, run, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "_ROWS", 64)
    frame = readings()
    frame.loc[N - 3, "pulse"] = "error"
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    frame.to_csv(path, index=False)
    out.write_text("old", encoding="utf-8")
    assert again(path, run, "-o", str(out)) == 1
    assert out.read_text(encoding="utf-8") == "old"
    assert len(list(tmp_path.iterdir())) == 2
    del given


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["-o", "{given}"], "is the input, which would be overwritten"),
        (["-o", "x.csv", "--plot", "x.csv"], "is --output too"),
        (["--target", "insulin"], "has no column 'insulin'"),
        (["--set", "wide=3"], "NAME=VALUE"),
        (["--set", "max_minutes=3"], "use --minutes"),
        (["--sep=,", "--decimal=,"], "say --sep ';'"),
        (["-o", "x.xlsx"], "only CSV and Parquet"),
        (["--interval", "90"], "between 0 and 1"),
    ],
)
def test_arguments_that_make_no_sense_end_with_code_2(more, complaint, given, capsys):
    before = given.read_bytes()
    with pytest.raises(SystemExit) as stop:
        main(["impute", str(given), *(text.format(given=given) for text in more)])
    assert stop.value.code == 2
    assert complaint in capsys.readouterr().err
    assert given.read_bytes() == before


def test_absent_file_model_of_another_kind_and_no_folder(given, run, capsys):
    assert main(["impute", "nowhere.csv"]) == 1
    assert "no file nowhere.csv" in capsys.readouterr().err
    assert main(["impute", str(given), "-o", "nowhere/out.csv"]) == 1
    assert "no folder" in capsys.readouterr().err
    more = ["-h", "2", "--target", "pulse", "--model", f"{run}/m.tsdiff"]
    assert main(["forecast", str(given), *more]) == 1
    assert "holds a DiffusionImputer" in capsys.readouterr().err


def test_interrupt_ends_with_130_and_debug_shows_where(given, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(DiffusionImputer, "fit", interrupt)
    assert main(["impute", str(given), "--target", "pulse", "--quiet"]) == 130
    assert "no output was written" in capsys.readouterr().err
    with pytest.raises(ValueError, match="'W1' is no"):
        main(["impute", str(given), "--missing", "x", "--debug", "--target", "ward"])


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    (tmp_path / "in.parquet").touch()
    assert main(["impute", f"{tmp_path}/in.parquet"]) == 1
    assert "pip install pyarrow" in capsys.readouterr().err


def test_command_in_a_process_of_its_own(given, run):
    command = ["impute", str(given), "--target", "glucose", "pulse", "--interval=0.9"]
    shell = [sys.executable, "-m", "tsdiff", *command, "--model", f"{run}/m.tsdiff"]
    done = subprocess.run(shell, capture_output=True, text=True, check=True)
    assert done.stdout == (run / "out.csv").read_text(encoding="utf-8")
    assert "--fit makes a new one" in done.stderr
