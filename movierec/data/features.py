"""The features that the models read, derived from the raw tables."""

from pathlib import Path

import numpy as np
import pandas as pd

from movierec import files
from movierec.data.schema import GENRE_FEATURES, MOVIE, TIME_FEATURES

YEAR_PATTERN = r"^.*\(([0-9]{4})\)"  # greedy: the last year in brackets


def movie_features(movies: pd.DataFrame) -> pd.DataFrame:
    """Movies with the year taken out of the title and one column per genre.

    Args:
        movies: movie_id, title (with its year in brackets), genres (separated by ``|``), and any
            further columns.

    Returns:
        One row per movie, in the same order: movie_id, title (without its year), release_year and
        release_decade (missing if the title has no year), genre1, genre2, ... (missing if the
        movie has fewer genres), and the further columns.
    """
    year = movies["title"].str.extract(YEAR_PATTERN, expand=False).astype("Int64")
    title = movies["title"].str.replace(r" ?\([0-9]{4}\)(?!.*\([0-9]{4}\)) ?", " ", regex=True)
    genres = movies["genres"].str.split("|", expand=True)
    genres.columns = [f"genre{number + 1}" for number in genres.columns]
    genres = genres.reindex(columns=genres.columns.union(GENRE_FEATURES))
    further = movies.drop(columns=[MOVIE, "title", "genres"])
    table = pd.DataFrame(
        {
            MOVIE: movies[MOVIE],
            "title": title.str.strip(),
            "release_year": year,
            "release_decade": year // 10 * 10,
        }
    )
    return pd.concat([table, genres, further], axis=1)


def time_features(timestamps: pd.Series) -> pd.DataFrame:
    """Year and month (UTC) of timestamps: int32 columns rating_year and rating_month.

    Args:
        timestamps: seconds since 1970.
    """
    time = pd.to_datetime(timestamps, unit="s", utc=True)
    year_and_month = (time.dt.year, time.dt.month)
    return pd.DataFrame(dict(zip(TIME_FEATURES, year_and_month, strict=True)), dtype=np.int32)


def write(
    users: pd.DataFrame,
    movies: pd.DataFrame,
    ratings: pd.DataFrame,
    folder: Path,
    ending: str = "csv",
) -> list[Path]:
    """Write the preprocessed tables, for example ratings_prepro.csv: all three or none.

    Args:
        users, movies, ratings: the tables.
        folder: where to write them.
        ending: "csv" or "parquet".

    Returns:
        The paths of the three files.

    Raises:
        OSError: a file could not be written; nothing is left half written.
    """
    tables = {"ratings": ratings, "movies": movies, "users": users}
    paths = [folder / f"{name}_prepro.{ending}" for name in tables]
    with files.replacing(*paths) as parts:
        for part, table in zip(parts, tables.values(), strict=True):
            if ending == "parquet":
                table.to_parquet(part, index=False)
            else:
                table.to_csv(part, index=False)
    return paths
