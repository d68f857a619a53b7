"""Find, read and check a data set: a MovieLens release, or somebody's own ratings."""

import logging
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from movierec.data import download, own_ratings, schema
from movierec.data.features import YEAR_PATTERN
from movierec.data.raw_readers import ML100K_GENRES as GENRES
from movierec.data.raw_readers import RELEASED, DataError, RawTables
from movierec.data.schema import MOVIE, RATING, TIMESTAMP, USER, Scale
from movierec.data.tables import Dataset
from movierec.errors import quoted

NAMES = tuple(download.LAYOUTS)
NAME = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,40}")
# names that own ratings cannot have, because folders in model/ have them
RESERVED = ("experiments", "test-rows", "paper", "temporal", "full-ranking", "new-users")
RESERVED += ("tuned", "unseen", "original")

FIRST_TIMESTAMP = 788_918_400  # 1995-01-01 UTC: MovieLens started later, so earlier is damage
LAST_TIMESTAMP = 4_102_444_799  # the end of 2099

LONGEST_TITLE = 1000  # characters
ZIPCODE = "[0-9A-Za-z]{5,9}|[0-9]{5}-[0-9]{4}"
NEWER_GENRES = ("Children", "IMAX")  # of releases from ML-10M on

log = logging.getLogger("movierec")


def _numbers(low: int, high: int, meaning: str = "a whole number") -> pa.Column:
    expected = f"{meaning} from {low} to {high}"
    return pa.Column(checks=pa.Check.in_range(low, high, error=expected))


def _one_of(values) -> pa.Column:
    return pa.Column(checks=pa.Check.isin(list(values), error=f"one of {list(values)}"))


def _zipcode() -> pa.Column:
    expected = "5 to 9 letters and digits, or 5 digits, a dash and 4 digits"
    return pa.Column(checks=pa.Check.str_matches(f"^(?:{ZIPCODE})\\Z", error=expected))


def _title() -> pa.Column:
    def fits(titles: pd.Series) -> pd.Series:
        year = titles.str.extract(YEAR_PATTERN, expand=False).astype("Int64")
        fitting = (titles.str.strip() != "") & (titles.str.len() <= LONGEST_TITLE)
        return year.between(*RELEASED).fillna(True) & fitting

    expected = (
        f"some text of at most {LONGEST_TITLE:,} characters, and if it has a year in brackets, one "
        f"from {RELEASED[0]} to {RELEASED[1]}"
    )
    return pa.Column(checks=pa.Check(fits, error=expected))


def _genres(known: list[str]) -> pa.Column:
    def fits(genres: pd.Series) -> pd.Series:
        lists = [(text, text.split("|")) for text in genres.unique()]
        right = [
            text
            for text, names in lists
            if set(names) <= set(known) and len(set(names)) == len(names)
        ]
        return genres.isin(right)

    expected = f"different ones of {', '.join(filter(None, known))}, with | between them"
    return pa.Column(checks=pa.Check(fits, error=expected))


def _ids() -> pa.Column:
    return _numbers(1, 2**31 - 1)


def _ratings(scale: Scale, first_timestamp: int) -> dict[str, pa.Column]:
    times = _numbers(first_timestamp, LAST_TIMESTAMP, "seconds since 1970,")
    return {USER: _ids(), MOVIE: _ids(), RATING: _one_of(scale.ratings), TIMESTAMP: times}


USERS = {
    USER: _ids(),
    "gender": _one_of(schema.GENDERS),
    "age": _one_of(schema.AGE_GROUPS),
    "occupation": _numbers(0, len(schema.OCCUPATIONS) - 1),
    "zipcode": _zipcode(),
}
KEYS = {"users": [USER], "movies": [MOVIE], "ratings": [USER, MOVIE]}


def _columns(raw: RawTables) -> dict[str, dict[str, pa.Column]]:
    """What is expected of the columns of each table."""
    if raw.own:
        movies = {MOVIE: _ids(), "title": _title()}
        ratings = _ratings(raw.scale, first_timestamp=0)
        return {"users": {USER: _ids()}, "movies": movies, "ratings": ratings}
    has_users = "users" in raw.paths
    genres = GENRES if has_users else [*GENRES, *NEWER_GENRES, ""]
    return {
        "users": USERS if has_users else {USER: _ids()},
        "movies": {MOVIE: _ids(), "title": _title(), "genres": _genres(genres)},
        "ratings": _ratings(raw.scale, FIRST_TIMESTAMP),
    }


def load(name: str, data_dir: Path = download.DATA_DIR, fetch: bool = True) -> Dataset:
    """Read the data set in `data_dir/name`; download it first if it is missing.

    Args:
        name: one of `NAMES`, or the name of a folder with somebody's own ratings, see
            docs/your-data.md.
        data_dir: the folder that has one folder per data set.
        fetch: whether a missing MovieLens release may be downloaded.

    Raises:
        DataError: unknown name, nothing found, or a damaged file; the message says what arrived,
            what was expected and what to do.
    """
    if not isinstance(name, str):
        raise DataError(f"a data set is named {quoted(name)}, expected text such as 'ml-1m'")
    folder = Path(data_dir) / name
    try:
        if name in NAMES:
            raw = _release(download.find(name, folder, fetch))
        elif name in RESERVED:
            raise DataError(f"{name} is the name of a folder in model/: rename {folder}")
        elif NAME.fullmatch(name) and os.path.lexists(folder / own_ratings.RATINGS):
            raw = own_ratings.read(folder)
        else:
            raise DataError(
                f"unknown data set {quoted(name)}: choose one of {', '.join(NAMES)}, or put your "
                f"own {own_ratings.RATINGS} and {own_ratings.ITEMS} into a folder of {data_dir} "
                "and give its name (letters, digits, - and _)"
            )
    except OSError as error:
        raise DataError(
            f"{error.filename} cannot be read: {error.strerror}. Replace it with a readable one"
        ) from error
    columns, tables = _columns(raw), {}
    for table, frame in raw.tables.items():
        file = raw.paths.get(table, raw.paths["ratings"])
        tables[table] = _checked(table, columns[table], frame, file, raw)
    _check_references(tables, raw)
    tables = {table: frame.reset_index(drop=True) for table, frame in tables.items()}
    return Dataset(name, source=raw.source, files=raw.sha256, scale=raw.scale, **tables)


def _release(found: download.Found) -> RawTables:
    """The tables of a MovieLens release.

    If it has no users file, the users are those who have ratings.
    """
    layout = found.layout
    paths = {table: str(found.place / file) for table, file in layout.files.items()}
    tables = {
        table: layout.read(table, found.content[table], file) for table, file in paths.items()
    }
    users = pd.DataFrame({USER: np.unique(tables["ratings"][USER])})
    tables = {"users": users} | tables
    return RawTables(tables, paths, found.source, found.sha256, layout.scale, layout.header_lines)


def _checked(
    table: str, columns: dict[str, pa.Column], frame: pd.DataFrame, file: str, raw: RawTables
) -> pd.DataFrame:
    """`frame` after the schema and duplicate checks, with its final dtypes and its old index."""
    try:
        pa.DataFrameSchema(columns).validate(frame)
    except pa.errors.SchemaError as error:
        index = int(error.failure_cases["index"].iloc[0])
        raise DataError(
            f"{file}, line {index + 1 + raw.header_lines}: {error.schema.name} is "
            f"{quoted(str(frame[error.schema.name][index]))}, expected {error.check.error}. "
            f"Correct that line, or {raw.anew}"
        ) from None
    frame = _without_duplicates(frame, KEYS[table], file, raw.header_lines)
    small = frame.select_dtypes("integer").columns.difference([TIMESTAMP])
    return frame.astype(dict.fromkeys(small, np.int32))


def _without_duplicates(
    frame: pd.DataFrame, keys: list[str], file: str, header_lines: int
) -> pd.DataFrame:
    """`frame` without repeated rows; rows with the same key and other values are refused."""
    if not frame.duplicated(keys).any():
        return frame
    repeated = frame.duplicated()
    if repeated.any():
        log.warning("%s: dropped %d repeated rows", file, repeated.sum())
        frame = frame[~repeated]
    clash = frame.duplicated(keys)
    if clash.any():
        row = frame.loc[clash, keys].iloc[0]
        same = (frame[keys] == row[keys]).all(axis=1)
        lines = [str(line + 1 + header_lines) for line in frame.index[same]]
        what = ", ".join(f"{key} {row[key]}" for key in keys)
        raise DataError(
            f"{file}: lines {' and '.join(lines[:2])} both describe {what} but differ. Keep one of "
            "them"
        )
    return frame


def _check_references(tables: dict[str, pd.DataFrame], raw: RawTables) -> None:
    """Refuse ratings of movies or by users that are not listed."""
    paths = raw.paths
    for table, key in (("users", USER), ("movies", MOVIE)):
        if table not in paths:
            continue
        unlisted = ~tables["ratings"][key].isin(tables[table][key])
        if unlisted.any():
            first = int(unlisted.idxmax())
            raise DataError(
                f"{paths['ratings']}, line {first + 1 + raw.header_lines}: {key} is "
                f"{tables['ratings'][key][first]}, which {Path(paths[table]).name} does not list. "
                f"There are {unlisted.sum()} ratings like that; the files must belong together: "
                f"add what is missing, or {raw.anew}"
            )
