"""The 13 features and the three CSV files."""

import pandas as pd
import pytest

from movierec.data import features, movielens
from tests.conftest import write_ml1m


def test_movie_features(raw):
    movies = movielens.load("ml-1m", raw).movie_features
    titles = ["Toy Story", "Matrix, The: Part (2)", "Cérémonie, La", "Untitled"]
    assert movies["title"].tolist() == titles
    assert movies["release_year"].tolist()[:3] == [1995, 1999, 1995]
    assert movies["release_decade"].tolist()[:3] == [1990, 1990, 1990]
    assert movies.loc[3, ["release_year", "release_decade"]].isna().all()
    assert movies["genre1"].tolist() == ["Animation", "Action", "Drama", "Drama"]
    assert movies["genre3"].tolist()[0] == "Comedy"
    assert movies["genre3"].isna().tolist() == [False, True, True, True]


def test_the_release_year_is_the_last_one_in_brackets(tmp_path):
    titles = ["1984 (1984)", "2001 (A) (1968)", "(1900) (1976) (V)", "1941"]
    lines = [f"{n}::{title}::Drama" for n, title in enumerate(titles, 1)]
    write_ml1m(tmp_path, movies=lines)
    movies = movielens.load("ml-1m", tmp_path).movie_features
    assert movies["release_year"].fillna(0).tolist() == [1984, 1968, 1976, 0]
    assert movies["title"].tolist() == ["1984", "2001 (A)", "(1900) (V)", "1941"]


def test_year_and_month_of_a_rating_are_in_utc(tmp_path):
    # 2000-12-31 23:59:59 and 2001-01-01 00:00:00
    write_ml1m(tmp_path, ratings=["1::1::5::978307199", "1::2::5::978307200"])
    rated = movielens.load("ml-1m", tmp_path).dated_ratings
    assert rated[["rating_year", "rating_month"]].to_numpy().tolist() == [[2000, 12], [2001, 1]]


def test_features_of_a_rating(raw):
    rows = movielens.load("ml-1m", raw).features()
    names = "user_id gender age occupation zipcode movie_id genre1 genre2 genre3 release_year "
    assert list(rows) == (names + "release_decade rating_year rating_month").split()
    assert rows.iloc[3].fillna("-").tolist() == [
        2, "M", 56, 16, "70072", 3, "Drama", "-", "-", 1995, 1990, 2000, 12,
    ]  # fmt: skip


@pytest.mark.parametrize("dataset", ["made", "ml100k", "ml1m"])
def test_the_features_can_be_read_back_from_the_csv_files(request, dataset, tmp_path):
    data = request.getfixturevalue(dataset)
    paths = features.write(data.users, data.movie_features, data.dated_ratings, tmp_path)
    assert [path.name.split("_")[0] for path in paths] == ["ratings", "movies", "users"]
    assert all(path.name.endswith("_prepro.csv") for path in paths)
    text = dict.fromkeys(data.fields.all, str)
    ratings, movies, users = (
        pd.read_csv(path, dtype=text, keep_default_na=False, na_values=[""]) for path in paths
    )
    assert (ratings["movie_id"] == data.ratings["movie_id"].astype(str)).all()  # raw order
    joined = ratings.merge(users, on="user_id", how="left").merge(movies, on="movie_id", how="left")
    expected = data.features()
    for feature in data.fields.all:
        as_read = joined[feature].astype("str").fillna("")
        assert (as_read == expected[feature].astype("str").fillna("")).all(), feature


def test_a_full_disk_leaves_the_folder_unchanged(raw, monkeypatch):
    data = movielens.load("ml-1m", raw)
    folder = raw / "ml-1m"
    before = sorted(folder.iterdir())

    def full(self, path, **_):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match=r"could not write .*ratings_prepro.csv.*No space left"):
        features.write(data.users, data.movie_features, data.dated_ratings, folder)
    assert sorted(folder.iterdir()) == before
