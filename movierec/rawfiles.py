"""The three ways in which MovieLens's raw text files are written, and how to read them."""

import csv
import io

import numpy as np
import pandas as pd


class DataError(Exception):
    """Raw data that cannot be used as it is; the message says why and what to do."""


def parse(
    content: bytes, file: str, separator: str, columns: dict[str, type], header_lines: int = 0
) -> pd.DataFrame:
    """Rows of a raw text file, as int64 and text columns.

    UTF-8 (with or without a byte-order mark) is recognised, anything else is taken as Latin-1,
    which is what GroupLens writes.

    Args:
        content: the file's bytes.
        file: its name, for error messages.
        separator: what stands between two fields.
        columns: name and type (int or str) of every field, in order.
        header_lines: lines to pass over.

    Raises:
        DataError: naming the first line that is not as expected.
    """
    if not content.strip():
        raise DataError(f"{file} is empty: delete it to have it fetched again")
    if b"\0" in content:
        raise DataError(f"{file} holds NUL bytes (UTF-16?): save it as UTF-8 or Latin-1 text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.count("\n") + (not text.endswith("\n")) - header_lines
    body = text.split("\n", header_lines)[-1]
    faulty = body.count(separator) != lines * (len(columns) - 1)
    if not faulty:
        try:
            frame = pd.read_csv(
                io.StringIO(body.replace(separator, "\t")),
                sep="\t",
                names=list(columns),
                dtype={name: np.int64 if kind is int else str for name, kind in columns.items()},
                index_col=False,
                quoting=csv.QUOTE_NONE,
                keep_default_na=False,
                skip_blank_lines=False,
                engine="c",
            )
            faulty = frame.isna().any(axis=None)
        except (ValueError, OverflowError):
            faulty = True
    if faulty:
        raise DataError(_first_fault(body, file, separator, columns, header_lines))
    return frame


def _first_fault(
    body: str, file: str, separator: str, columns: dict[str, type], header_lines: int
) -> str:
    """What is wrong with the first line that is not as expected."""
    expected = separator.join(columns)
    for number, line in enumerate(body.splitlines(), start=1 + header_lines):
        fields = line.split(separator)
        where = f"{file}, line {number}"
        if len(fields) != len(columns):
            return (
                f"{where}: {len(fields)} field(s) in {line[:80]!r}, expected {len(columns)} "
                f"separated by {separator!r} ({expected}). Mend that line, or delete the file to "
                "have it fetched again"
            )
        for (name, kind), field in zip(columns.items(), fields, strict=True):
            if kind is int and not field.strip().lstrip("-").isdecimal():
                return f"{where}: {name} is {field!r}, expected a whole number"
            if kind is int and abs(int(field)) >= 2**63:
                return f"{where}: {name} is {field}, which is too large for an id or a time"
    return f"{file} cannot be read as {expected}: delete it to have it fetched again"


RATING_COLUMNS = {"user_id": int, "movie_id": int, "rating": int, "timestamp": int}

ML1M_COLUMNS = {
    "users": {"user_id": int, "gender": str, "age": int, "occupation": int, "zipcode": str},
    "movies": {"movie_id": int, "title": str, "genres": str},
    "ratings": RATING_COLUMNS,
}


def read_ml1m(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-1M's `*.dat` files."""
    return parse(content, file, "::", ML1M_COLUMNS[table])


ML100K_GENRES = (
    "unknown Action Adventure Animation Children's Comedy Crime Documentary Drama Fantasy "
    "Film-Noir Horror Musical Mystery Romance Sci-Fi Thriller War Western"
).split()
ML100K_USERS = {"user_id": int, "age": int, "gender": str, "occupation": str, "zipcode": str}
ML100K_MOVIES = {"movie_id": int, "title": str, "released": str, "video": str, "url": str}
ML100K_MOVIES |= dict.fromkeys(ML100K_GENRES, int)
ATOMIC_MOVIES = {"movie_id": int, "title": str, "year": str, "genres": str}
# ML-100K's occupation → ML-1M's number
ML100K_OCCUPATIONS = {
    "administrator": 3,
    "artist": 2,
    "doctor": 6,
    "educator": 1,
    "engineer": 17,
    "entertainment": 2,
    "executive": 7,
    "healthcare": 6,
    "homemaker": 9,
    "lawyer": 11,
    "librarian": 1,
    "marketing": 14,
    "none": 19,
    "other": 0,
    "programmer": 12,
    "retired": 13,
    "salesman": 14,
    "scientist": 15,
    "student": 4,
    "technician": 17,
    "writer": 20,
}


def read_ml100k(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-100K's `u.*` files as GroupLens writes them."""
    if table == "ratings":
        return parse(content, file, "\t", RATING_COLUMNS)
    if table == "users":
        return _ml1m_groups(parse(content, file, "|", ML100K_USERS), file)
    frame = parse(content, file, "|", ML100K_MOVIES)
    flags = frame[ML100K_GENRES].to_numpy().astype(bool)
    genres = ["|".join(np.asarray(ML100K_GENRES)[row]) for row in flags]
    return frame[["movie_id", "title"]].assign(genres=genres)


def read_atomic(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-100K's files as the recbole wheel writes them, with the year put back into the title."""
    if table == "ratings":
        return parse(content, file, "\t", RATING_COLUMNS, header_lines=1)
    if table == "users":
        return _ml1m_groups(parse(content, file, "\t", ML100K_USERS, header_lines=1), file)
    frame = parse(content, file, "\t", ATOMIC_MOVIES, header_lines=1)
    title = frame["title"].str.replace("unkonwn", "unknown")
    dated = frame["year"].str.fullmatch(r"\d{4}")  # one title keeps its own, one movie has none
    return pd.DataFrame(
        {
            "movie_id": frame["movie_id"],
            "title": title.where(~dated, title + " (" + frame["year"] + ")"),
            "genres": frame["genres"].str.replace(" ", "|"),
        }
    )


def _ml1m_groups(users: pd.DataFrame, file: str) -> pd.DataFrame:
    """ML-100K's ages in years and occupations in words, as ML-1M's groups and numbers."""
    occupation = users["occupation"].map(ML100K_OCCUPATIONS)
    if occupation.isna().any():
        word = users["occupation"][occupation.isna()].iloc[0]
        raise DataError(f"{file}: occupation {word!r} is not one of {list(ML100K_OCCUPATIONS)}")
    bounds = np.array([1, 18, 25, 35, 45, 50, 56])
    group = np.searchsorted(bounds, users["age"], side="right") - 1
    age = np.where(group < 0, users["age"], bounds[group])  # an age below 1 stays, and is refused
    order = ["user_id", "gender", "age", "occupation", "zipcode"]
    return users.assign(age=age, occupation=occupation.astype(np.int64))[order]
