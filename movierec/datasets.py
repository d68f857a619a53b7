"""Find, download, verify and read a MovieLens data set in one canonical schema.

`load("ml-1m")` and `load("ml-100k")` return a `MovieLens` value with three tables:

=========  ==================================================================================
users      user_id, gender (F/M), age (ML-1M's group), occupation (ML-1M's number), zipcode
movies     movie_id, title (with its year in brackets), genres (separated by ``|``)
ratings    user_id, movie_id, rating (1..5), timestamp (seconds since 1970, UTC)
=========  ==================================================================================

Row order is the raw files' order. Ids, ages, occupations and ratings are int32, timestamps int64.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from movierec import sources
from movierec.files import digest
from movierec.rawfiles import ANEW, DataError

USER, MOVIE, RATING, TIMESTAMP = "user_id", "movie_id", "rating", "timestamp"

DATA_DIR = Path(__file__).resolve().parents[1] / "data"
NAMES = tuple(sources.LAYOUTS)

AGE_GROUPS = {
    1: "under 18",
    18: "18–24",
    25: "25–34",
    35: "35–44",
    45: "45–49",
    50: "50–55",
    56: "56 or older",
}
OCCUPATIONS = (
    "other or not specified",
    "academic/educator",
    "artist",
    "clerical/admin",
    "college/grad student",
    "customer service",
    "doctor/health care",
    "executive/managerial",
    "farmer",
    "homemaker",
    "K-12 student",
    "lawyer",
    "programmer",
    "retired",
    "sales/marketing",
    "scientist",
    "self-employed",
    "technician/engineer",
    "tradesman/craftsman",
    "unemployed",
    "writer",
)
GENDERS = {"F": "woman", "M": "man"}
FIRST_TIMESTAMP = 788_918_400  # 1995-01-01 UTC: before MovieLens, so anything earlier is damage

LAST_TIMESTAMP = 4_102_444_799  # the end of 2099

log = logging.getLogger("movierec")


def _numbers(low: int, high: int, meaning: str = "a whole number") -> pa.Column:
    expected = f"{meaning} from {low} to {high}"
    return pa.Column(checks=pa.Check.in_range(low, high, error=expected))


def _one_of(values) -> pa.Column:
    return pa.Column(checks=pa.Check.isin(list(values), error=f"one of {list(values)}"))


def _text() -> pa.Column:
    return pa.Column(checks=pa.Check.str_length(min_value=1, error="some text"))


def _ids() -> pa.Column:
    return _numbers(1, 2**31 - 1)


SCHEMAS = {
    "users": pa.DataFrameSchema(
        {
            USER: _ids(),
            "gender": _one_of(GENDERS),
            "age": _one_of(AGE_GROUPS),
            "occupation": _numbers(0, len(OCCUPATIONS) - 1),
            "zipcode": _text(),
        }
    ),
    "movies": pa.DataFrameSchema({MOVIE: _ids(), "title": _text(), "genres": _text()}),
    "ratings": pa.DataFrameSchema(
        {
            USER: _ids(),
            MOVIE: _ids(),
            RATING: _numbers(1, 5),
            TIMESTAMP: _numbers(FIRST_TIMESTAMP, LAST_TIMESTAMP, "seconds since 1970,"),
        }
    ),
}
KEYS = {"users": [USER], "movies": [MOVIE], "ratings": [USER, MOVIE]}


@dataclass(frozen=True)
class MovieLens:
    """One data set, read and checked.

    Args:
        name: "ml-1m" or "ml-100k".
        users, movies, ratings: the tables described in this module's docstring.
        source: where the bytes came from, in words.
        files: SHA-256 of each raw file.
    """

    name: str
    users: pd.DataFrame
    movies: pd.DataFrame
    ratings: pd.DataFrame
    source: str
    files: dict[str, str]

    @cached_property
    def fingerprint(self) -> dict[str, str]:
        """SHA-256 of what a model learns from, apart from how the files spell it.

        Two copies of a data set with the same fingerprint encode, split and train alike. Titles
        are left out (but for their year), and timestamps stand alone, because copies of MovieLens
        differ there without any other difference.
        """
        year = self.movies["title"].str.extract(YEAR_PATTERN, expand=False).fillna("")
        movies = self.movies[[MOVIE, "genres"]].assign(year=year)
        ratings = self.ratings[[USER, MOVIE, RATING]]
        return {
            "users": digest(self.users.to_csv(index=False, lineterminator="\n").encode()),
            "movies": digest(movies.to_csv(index=False, lineterminator="\n").encode()),
            "ratings": digest(ratings.to_numpy(np.int32).tobytes()),
            "timestamps": digest(self.ratings[TIMESTAMP].to_numpy(np.int64).tobytes()),
        }


YEAR_PATTERN = r"^.*\(([0-9]{4})\)"  # greedy, so the last year in brackets


def load(name: str, data_dir: Path = DATA_DIR, download: bool = True) -> MovieLens:
    """Read a data set from `data_dir/name`, fetching it first where it is missing.

    Args:
        name: one of `NAMES`.
        data_dir: the folder that holds one folder per data set.
        download: whether a missing data set may be fetched.

    Raises:
        DataError: unknown name, nothing found, or a damaged file; says what arrived, what was
            expected and what to do.
    """
    if name not in NAMES:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join(NAMES)}")
    found = sources.find(name, Path(data_dir) / name, download)
    tables = {}
    for table, file in found.layout.files.items():
        frame = found.layout.read(table, found.content[table], file.name)
        tables[table] = _checked(table, frame, file.name, found.layout.header_lines)
    _check_references(tables, found.layout)
    return MovieLens(name=name, source=found.source, files=found.sha256, **tables)


def load_first(names: Sequence[str], data_dir: Path = DATA_DIR) -> MovieLens:
    """Load the first of `names` that can be had, saying why an earlier one could not.

    Raises:
        DataError: when none can be had; the last one's message.
    """
    for name in names[:-1]:
        try:
            return load(name, data_dir)
        except sources.NotFoundError as error:
            log.warning("%s\nGoing on without %s.", error, name)
    return load(names[-1], data_dir)


def _checked(table: str, frame: pd.DataFrame, file: str, header_lines: int) -> pd.DataFrame:
    """`frame` after the schema and duplicate checks, with its final dtypes."""
    schema = SCHEMAS[table]
    try:
        schema.validate(frame)
    except pa.errors.SchemaError as error:
        index = int(error.failure_cases["index"].iloc[0])
        raise DataError(
            f"{file}, line {index + 1 + header_lines}: {error.schema.name} is "
            f"{str(frame[error.schema.name][index])!r}, expected {error.check.error}. "
            f"Mend that line, or {ANEW}"
        ) from None
    frame = _without_duplicates(frame, KEYS[table], file, header_lines)
    small = frame.select_dtypes("integer").columns.difference([TIMESTAMP])
    return frame.astype(dict.fromkeys(small, np.int32))


def _without_duplicates(
    frame: pd.DataFrame, keys: list[str], file: str, header_lines: int
) -> pd.DataFrame:
    """Drop rows that stand twice, word for word; refuse rows that contradict each other."""
    repeated = frame.duplicated()
    if repeated.any():
        log.warning("%s: dropped %d rows that stood there twice", file, repeated.sum())
        frame = frame[~repeated]
    clash = frame.duplicated(keys)
    if clash.any():
        row = frame[clash].iloc[0]
        same = (frame[keys] == row[keys]).all(axis=1)
        lines = [str(line + 1 + header_lines) for line in frame.index[same]]
        what = ", ".join(f"{key} {row[key]}" for key in keys)
        raise DataError(
            f"{file}: lines {' and '.join(lines)} both describe {what} but differ. Keep one"
        )
    return frame.reset_index(drop=True)


def _check_references(tables: dict[str, pd.DataFrame], layout: sources.Layout) -> None:
    """Every rated movie and every rating user must be listed."""
    for table, key in (("users", USER), ("movies", MOVIE)):
        unlisted = ~tables["ratings"][key].isin(tables[table][key])
        if unlisted.any():
            first = tables["ratings"][unlisted].iloc[0]
            raise DataError(
                f"{layout.files['ratings'].name}: {unlisted.sum()} ratings have a {key} that "
                f"{layout.files[table].name} does not list, the first is user {first[USER]}'s "
                f"rating of movie {first[MOVIE]}. The files must belong together: "
                f"{ANEW}"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """Fetch a data set and say what it holds."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "names", nargs="+", choices=NAMES, help="in order of preference: the first to be had"
    )
    try:
        data = load_first(parser.parse_args(arguments).names)
    except DataError as error:
        parser.exit(1, f"{error}\n")
    print(
        f"{data.name}: {len(data.users):,} users, {len(data.movies):,} movies, "
        f"{len(data.ratings):,} ratings, from {data.source}"
    )


if __name__ == "__main__":
    main()
