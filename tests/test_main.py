"""The command line: every command's help, output, and one-line errors."""

import dataclasses
import errno
import io
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from movierec import __main__ as command_line
from movierec import files
from movierec.data.schema import Scale
from movierec.evaluation import evaluate, results
from movierec.training import train


def run(capsys, *arguments) -> str:
    command_line.main(arguments)
    return capsys.readouterr().out


@pytest.fixture
def project(made, small, tmp_path, monkeypatch):
    """The commands run on made-up data and an empty project folder."""
    monkeypatch.setattr(command_line.movielens, "load", lambda name: made)
    monkeypatch.setattr("movierec.load", lambda model, dataset: small)
    for function in (train.train, evaluate.run, results.path):
        defaults = [tmp_path if value == files.ROOT else value for value in function.__defaults__]
        monkeypatch.setattr(function, "__defaults__", tuple(defaults))
    return tmp_path


def test_data(capsys, project):
    out = run(capsys, "data", "ml-1m", "ml-100k")
    assert out.startswith("ml-1m: 40 users, 60 movies, 1,600 ratings, from files in ml-1m/")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_preprocess(capsys, project, made, tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(command_line, "DATA_DIR", tmp_path / "data")
    assert len(run(capsys, "preprocess", "ml-1m", "--format", suffix).splitlines()) == 3
    read = pd.read_csv if suffix == "csv" else pd.read_parquet
    ratings = read(tmp_path / "data" / "ml-1m" / f"ratings_prepro.{suffix}")
    pd.testing.assert_frame_equal(ratings, made.dated_ratings, check_dtype=False)


def test_recommend_in_three_formats(capsys, project, small):
    expected = small.recommend(3, 4)
    asked = ("recommend", "--user", "3", "--n", "4")
    assert len(run(capsys, *asked).splitlines()) == 5
    table = pd.read_csv(io.StringIO(run(capsys, *asked, "--format", "csv")))
    assert table["movie_id"].tolist() == expected["movie_id"].tolist()
    rows = json.loads(run(capsys, *asked, "--format", "json"))
    assert [row["title"] for row in rows] == expected["title"].tolist()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_recommend_for_all_users(capsys, project, small, tmp_path, suffix):
    file = tmp_path / f"lists.{suffix}"
    printed = run(capsys, "recommend", "--all", str(file), "--n", "4")
    assert printed == f"40 lists written to {file}\n"
    found = (pd.read_csv if suffix == "csv" else pd.read_parquet)(file)
    pd.testing.assert_frame_equal(found, small.recommend_all(4), check_dtype=False)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("data ml-1m", "could not write a.csv: No space left on device"),
        ("recommend --user 99", "there is no user 99 in ml-1m: expected one of its 40 users"),
        ("recommend --user 1 --n 61", "n is 61, expected a whole number from 1 to 60"),
        ("recommend --user 1 --year 1994", "year is 1994, expected a whole number from 1995 to"),
    ],
)
def test_an_error_is_one_line_with_exit_status_1(capsys, project, monkeypatch, command, message):
    def fail(_):
        raise OSError("could not write a.csv: No space left on device")

    monkeypatch.setattr(command_line.movielens, "load", fail)
    with pytest.raises(SystemExit) as stop:
        command_line.main(command.split())
    assert stop.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith(message)
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["search --grid tall", "train --model gpt", "fly", "", "recommend"]
)
def test_unknown_words_are_refused_by_the_parser(capsys, command):
    with pytest.raises(SystemExit) as stop:
        command_line.main(command.split())
    assert stop.value.code == 2
    assert "usage: python -m movierec" in capsys.readouterr().err


def test_error_messages_are_short_and_printable(capsys):
    for command in (
        ["recommend", "--user", "9" * 5000],
        ["recommend", "--user", "1", "--x\x1b[2J"],
    ):
        with pytest.raises(SystemExit):
            command_line.main(command)
        message = capsys.readouterr().err.partition("error: ")[2].rstrip("\n")
        assert len(message) <= 300
        assert message.isprintable()


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a.csv"),
            1,
            "a.csv: No space left on device\n",
        ),
        (OSError("a.csv cannot be read"), 1, "a.csv cannot be read\n"),
    ],
)
def test_the_end_of_a_command(capsys, monkeypatch, error, code, message):
    def fail(options):
        raise error

    monkeypatch.setattr(command_line, "tables", fail)
    with pytest.raises(SystemExit) as stop:
        command_line.main(["tables"])
    assert stop.value.code == code
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
@pytest.mark.parametrize(
    ("output", "message"),
    [("/dev/full", "No space left on device\n"), (None, "")],
)
def test_output_that_cannot_be_written(output, message):
    """The output goes to a full disk, or to a pipe that nobody reads any more."""
    code = "from movierec import __main__ as m; m.tables = lambda _: print('x' * 10**6);"
    command = [sys.executable, "-c", f"{code} m.main(['tables'])"]
    reader, writer = os.pipe()
    os.close(reader)
    descriptor = writer if output is None else os.open(output, os.O_WRONLY)
    with os.fdopen(descriptor, "wb", buffering=0) as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.PIPE, cwd=files.ROOT)
    assert done.returncode == 1
    assert done.stderr.decode() == message


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("train --model candidates --seed 1", "--seed has no effect on the model candidates"),
        ("train --model history --setting tuned", "--setting has no effect on the model history"),
        ("search --grid history --stale keep", "--stale has no effect on the grid history"),
        ("recommend --all a.csv --year 2000", "--year cannot be given with --all"),
        ("recommend --all a.csv --month 3", "--month cannot be given with --all"),
        ("recommend --all a.csv --format json", "--format cannot be given with --all"),
        ("recommend --all a.json", "expected a name that ends in .parquet or .csv"),
        ("recommend --all lists", "expected a name that ends in .parquet or .csv"),
        ("recommend --user 1 --cluster auto", "give --all instead of --user"),
        ("search --grid wide --cluster auto --jobs 2", "--jobs and --memory are about this"),
        ("search --grid fold-in --cluster auto", "--cluster has no effect on the grid fold-in"),
        ("train --seed -1", "--seed: '-1', expected a whole number from 0 to 4294967295"),
        ("train --epochs 0", "--epochs: '0', expected a whole number from 1 to 10000"),
        ("sessions --seed 1e3", "--seed: '1e3', expected a whole number"),
        ("search --grid wide --memory nan", "--memory: 'nan', expected a number from 1"),
        ("search --grid wide --memory 1e-300", "--memory: '1e-300', expected a number from 1"),
        ("recommend --user 1_0", "--user: '1_0', expected a whole number from 0"),
        ("recommend --user 1 --n 0", "--n: '0', expected a whole number from 1"),
        ("recommend --user 1 --month 13", "--month: '13', expected a whole number from 1 to 12"),
        ("search --grid wide --jobs 0", "--jobs: '0', expected a whole number from 1"),
        ("artists --favourites A --n 0", "--n: '0', expected a whole number from 1"),
    ],
)
def test_options_without_effect_and_contradictions_are_refused(capsys, command, message):
    with pytest.raises(SystemExit) as stop:
        command_line.main(command.split())
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], ["autoint", "autointmlp", "candidates", "next-movie"]),
        (["--epochs", "1", "--replace"], ["autoint", "autointmlp", "candidates", "next-movie"]),
        (["--setting", "original"], ["autoint", "autointmlp"]),
        (["--protocol", "paper"], ["autoint", "autointmlp", "next-movie"]),
        (["--model", "history"], ["history"]),
    ],
)
def test_which_models_are_trained(capsys, project, monkeypatch, arguments, names):
    trained = []
    monkeypatch.setattr(command_line, "_train", lambda name, *_: trained.append(name))
    run(capsys, "train", *arguments)
    assert trained == names


def test_rows_of_history_that_are_stale_are_kept(capsys, project, monkeypatch):
    path = results.path("ml-1m", "experiments/history")
    results.write(pd.DataFrame({"code": ["of before"], "seed": [42]}), path)
    monkeypatch.setattr("movierec.evaluation.results.path", lambda *_: path)
    before = path.read_text()
    with pytest.raises(SystemExit):
        run(capsys, "search", "--grid", "history")
    assert "1 rows of" in capsys.readouterr().err
    assert path.read_text() == before


@pytest.mark.parametrize(
    "arguments", ["train --model history", "train --setting original", "search --grid seeds"]
)
def test_what_compares_ratings_needs_them(capsys, project, made, monkeypatch, arguments):
    implicit = dataclasses.replace(made, scale=Scale((1,), 1))
    monkeypatch.setattr(command_line.movielens, "load", lambda name: implicit)
    with pytest.raises(SystemExit):
        run(capsys, *arguments.split())
    assert "no ratings that say what was not liked" in capsys.readouterr().err


def test_train_evaluate_and_compile(capsys, project, caplog):
    out = run(capsys, "train", "--model", "autoint", "--epochs", "1")
    assert out.startswith("training autoint")
    assert (project / "label_encoders.pkl").is_file()
    assert "epoch 1  loss" in caplog.text
    out = run(capsys, "evaluate", "--protocol", "paper")
    assert "| movie mean |" in out
    assert run(capsys, "compile").startswith("compiling the kernels")
