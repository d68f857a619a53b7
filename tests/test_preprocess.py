"""The three CSV files and the 13 features."""

import pandas as pd
import pytest

from movierec import datasets, preprocess
from tests.conftest import real, write_ml1m


def test_movies(raw):
    movies = preprocess.movies(datasets.load("ml-1m", raw))
    assert movies["title"].tolist() == [
        "Toy Story",
        "Matrix, The: Part (2)",
        "Cérémonie, La",
        "Untitled",
    ]
    assert movies["release_year"].tolist()[:3] == [1995, 1999, 1995]
    assert movies["release_decade"].tolist()[:3] == [1990, 1990, 1990]
    assert movies.loc[3, ["release_year", "release_decade"]].isna().all()
    assert movies["genre1"].tolist() == ["Animation", "Action", "Drama", "Drama"]
    assert movies["genre3"].tolist()[0] == "Comedy"
    assert movies["genre3"].isna().tolist() == [False, True, True, True]


def test_year_is_the_last_one_in_brackets(tmp_path):
    titles = ["1984 (1984)", "2001 (A) (1968)", "(1900) (1976) (V)", "1941"]
    lines = [f"{n}::{title}::Drama" for n, title in enumerate(titles, 1)]
    write_ml1m(tmp_path, movies=lines)
    movies = preprocess.movies(datasets.load("ml-1m", tmp_path))
    assert movies["release_year"].fillna(0).tolist() == [1984, 1968, 1976, 0]
    assert movies["title"].tolist() == ["1984", "2001 (A)", "(1900) (V)", "1941"]


def test_rating_time_is_utc(tmp_path):
    # 2000-12-31 23:59:59 and 2001-01-01 00:00:00
    write_ml1m(tmp_path, ratings=["1::1::5::978307199", "1::2::5::978307200"])
    rated = preprocess.ratings(datasets.load("ml-1m", tmp_path))
    assert rated[["rating_year", "rating_month"]].to_numpy().tolist() == [[2000, 12], [2001, 1]]


def test_features_of_a_row(raw):
    data = datasets.load("ml-1m", raw)
    features = preprocess.features(data)
    assert (
        list(features)
        == (
            "user_id gender age occupation zipcode movie_id genre1 genre2 genre3 "
            "release_year release_decade rating_year rating_month"
        ).split()
    )
    assert features.iloc[3].fillna("-").tolist() == [
        2, "M", 56, 16, "70072", 3, "Drama", "-", "-", 1995, 1990, 2000, 12,
    ]  # fmt: skip
    assert preprocess.labels(data).tolist() == [1, 0, 1, 0, 0, 1]


@pytest.mark.parametrize("name", datasets.NAMES)
def test_csv_files_give_the_features_back(name, tmp_path):
    data = real(name)
    paths = preprocess.write(data, tmp_path)
    assert [p.name for p in paths] == [
        "ratings_prepro.csv",
        "movies_prepro.csv",
        "users_prepro.csv",
    ]
    text = dict.fromkeys(preprocess.FEATURES, str)
    ratings, movies, users = (
        pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""]) for path in paths
    )
    assert (ratings["movie_id"] == data.ratings["movie_id"].astype(str)).all()  # raw order
    joined = ratings.merge(users, on="user_id", how="left").merge(movies, on="movie_id", how="left")
    expected = preprocess.features(data)
    for feature in preprocess.FEATURES:
        as_read = joined[feature].astype("str").fillna("")
        assert (as_read == expected[feature].astype("str").fillna("")).all(), feature


def test_nothing_half_written(raw, monkeypatch):
    data = datasets.load("ml-1m", raw)
    folder = raw / "ml-1m"
    before = sorted(folder.iterdir())

    def full(self, path, **_):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match=r"could not write .*ratings_prepro.csv.*No space left"):
        preprocess.write(data, folder)
    assert sorted(folder.iterdir()) == before


def test_command_line(raw, monkeypatch, capsys):
    monkeypatch.setattr(datasets, "DATA_DIR", raw)
    monkeypatch.setattr(datasets.load, "__defaults__", (raw, False))
    preprocess.main(["ml-1m"])
    assert "ml-1m/movies_prepro.csv" in capsys.readouterr().out
    assert (raw / "ml-1m" / "movies_prepro.csv").exists()
    with pytest.raises(SystemExit) as stop:
        preprocess.main(["ml-100k"])
    assert stop.value.code == 1
    assert "ml-100k is not in" in capsys.readouterr().err
