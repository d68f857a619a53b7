"""Raw tables → three tidy CSV files and the 13 features that the models read."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import datasets, files
from movierec.datasets import MOVIE, RATING, TIMESTAMP, USER, MovieLens
from movierec.settings import LIKED

USER_FEATURES = (USER, "gender", "age", "occupation", "zipcode")
MOVIE_FEATURES = (MOVIE, "genre1", "genre2", "genre3", "release_year", "release_decade")
TIME_FEATURES = ("rating_year", "rating_month")
FEATURES = USER_FEATURES + MOVIE_FEATURES + TIME_FEATURES
MOVIE_COLUMNS = slice(len(USER_FEATURES), len(USER_FEATURES + MOVIE_FEATURES))


def movies(data: MovieLens) -> pd.DataFrame:
    """Movies with the year split off the title and every genre in a column of its own.

    Returns:
        One row a movie, in raw order: movie_id, title (without its year), release_year and
        release_decade (missing where the title has no year), genre1, genre2, ... (missing where
        the movie has fewer).
    """
    raw = data.movies
    year = raw["title"].str.extract(datasets.YEAR_PATTERN, expand=False).astype("Int64")
    dated = raw["title"].str.replace(r" ?\([0-9]{4}\)(?!.*\([0-9]{4}\)) ?", " ", regex=True)
    genres = raw["genres"].str.split("|", expand=True)
    genres.columns = [f"genre{number + 1}" for number in genres.columns]
    genres = genres.reindex(columns=genres.columns.union(MOVIE_FEATURES[1:4]))
    return pd.DataFrame(
        {
            MOVIE: raw[MOVIE],
            "title": dated.str.strip(),
            "release_year": year,
            "release_decade": year // 10 * 10,
        }
    ).join(genres)


def ratings(data: MovieLens) -> pd.DataFrame:
    """Ratings with the year and month (UTC) in which they were given, in raw order."""
    time = pd.to_datetime(data.ratings[TIMESTAMP], unit="s", utc=True)
    return data.ratings.assign(
        rating_year=time.dt.year.astype(np.int32), rating_month=time.dt.month.astype(np.int32)
    )


def features(data: MovieLens) -> pd.DataFrame:
    """The 13 features of every rating, in the order of `FEATURES` and the raw files' row order."""
    rated = ratings(data)
    by_user = data.users.set_index(USER, drop=False).loc[rated[USER], list(USER_FEATURES)]
    by_movie = movies(data).set_index(MOVIE, drop=False).loc[rated[MOVIE], list(MOVIE_FEATURES)]
    parts = [by_user, by_movie, rated[list(TIME_FEATURES)]]
    return pd.concat([part.reset_index(drop=True) for part in parts], axis=1)


def labels(data: MovieLens) -> np.ndarray:
    """1 where the rating is `LIKED` or more, else 0; float32, shape (ratings,)."""
    return (data.ratings[RATING] >= LIKED).to_numpy(np.float32)


def write(data: MovieLens, folder: Path) -> list[Path]:
    """Write `{ratings,movies,users}_prepro.csv` into `folder`, all three or none.

    Raises:
        OSError: when the disk refuses; nothing is left half written.
    """
    tables = {"ratings": ratings(data), "movies": movies(data), "users": data.users}
    paths = [folder / f"{name}_prepro.csv" for name in tables]
    with files.replacing(*paths) as parts:
        for part, table in zip(parts, tables.values(), strict=True):
            table.to_csv(part, index=False)
    return paths


def main(arguments: Sequence[str] | None = None) -> None:
    """Write a data set's three preprocessed CSV files beside its raw files."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("name", choices=datasets.NAMES)
    name = parser.parse_args(arguments).name
    try:
        for path in write(datasets.load(name), datasets.DATA_DIR / name):
            print(path.relative_to(datasets.DATA_DIR.parent))
    except (datasets.DataError, OSError) as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
