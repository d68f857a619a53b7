"""Read somebody's own ratings: `ratings.csv`, `items.csv` and, if there is one, `users.csv`.

Columns are recognised by usual names. A file `dataset.toml` in the same folder can name them, and
say from which rating on something is liked. docs/your-data.md is the guide.
"""

import logging
import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import files
from movierec.data.features import YEAR_PATTERN
from movierec.data.raw_readers import RELEASED, DataError, RawTables, parse_csv
from movierec.data.schema import (
    FIVE_STARS,
    GENRE_FEATURES,
    HALF_STARS,
    MOVIE,
    RATING,
    RELEASE_FEATURES,
    TIME_FEATURES,
    TIMESTAMP,
    USER,
    Scale,
)
from movierec.errors import quoted

RATINGS, ITEMS, USERS, CHOICES = "ratings.csv", "items.csv", "users.csv", "dataset.toml"
MOST_RATINGS = 20  # different ratings of a scale
MOST_VALUES = 100  # different values of a further column that becomes a field as it is
MOST_FIELDS = 50  # further columns of a file that become fields
LONGEST_VALUE = 200  # characters of a value of a further column that becomes a field
MOST_GENRES = 50  # genres of one item
LONGEST_GENRE = 50  # characters
NO_GENRE = {"(no genres listed)", "no genres listed", "none", "null", "nan", "n/a", "-", ""}
NOT_A_GENRE = re.compile(r"""[][{}"“”]|^'|'$""")  # left of a list: ['Drama', 'War']
MOST_ID_BYTES = 3 * 2**24  # of the ids in an encoder's file, which has encoder_file.BYTES at most
FIRST_TIME = 315_532_800  # 1980-01-01 UTC: times that all lie before are in another unit
LARGEST = 10**9  # rating
BINS = 10  # parts that a numeric column with more values is divided into
LIKED_SHARE = 0.8  # something is liked from this share of the highest rating on: 4 of 5 stars

# what a column means → its usual names, compared without case and "_"
NAMES = {
    "user": ("user", "userid", "uid", "customer", "customerid", "member", "memberid"),
    "item": ("item", "itemid", "movie", "movieid", "product", "productid"),
    "rating": ("rating", "stars", "score"),
    "time": ("timestamp", "time", "unixtime"),
    "title": ("title", "name"),
    "genres": ("genres", "genre", "categories", "category"),
    "year": ("year", "releaseyear"),
}
COLUMNS = {
    RATINGS: {"user": USER, "item": MOVIE, "rating": RATING, "time": TIMESTAMP},
    ITEMS: {"item": MOVIE, "title": "title", "genres": "genres", "year": "year"},
    USERS: {"user": USER},
}
NEEDED = {RATINGS: ("user", "item"), ITEMS: ("item", "title"), USERS: ("user",)}
# further columns cannot have these names, which the project uses itself
TAKEN = {USER, MOVIE, RATING, TIMESTAMP, "title", "genres"}
TAKEN |= {*GENRE_FEATURES, *RELEASE_FEATURES, *TIME_FEATURES}
GENRE = re.compile("genres|genre[0-9]+")
WRITE_ANEW = "write the file anew"
WHOLE = re.compile("[0-9]{1,18}")
A_RATING = f"a number from {-LARGEST:,} to {LARGEST:,}"
A_YEAR = f"a year from {RELEASED[0]} to {RELEASED[1]}, or nothing"
GENRES = f"names of at most {LONGEST_GENRE} characters with | between them, without brackets and "
GENRES += "quotation marks"

log = logging.getLogger("movierec")


def read(folder: Path) -> RawTables:
    """The tables in a folder of own ratings, with whole numbers where they are expected.

    Raises:
        DataError: a missing file or column, or a value that is not as expected; with file, line,
            what arrived and what to do.
        OSError: a file cannot be read.
    """
    chosen = _choices(folder / CHOICES)
    names = [name for name in (RATINGS, ITEMS, USERS) if os.path.lexists(folder / name)]
    if ITEMS not in names:
        release = os.path.lexists(folder / "movies.csv")
        hint = f", or put MovieLens files into a folder such as {folder.with_name('latest-small')}"
        raise DataError(
            f"{folder} lacks {ITEMS}: add it, with the columns item and title"
            f"{hint if release else ''}"
        )
    content = {name: files.read(folder / name) for name in names}
    tables = {name: _renamed(folder / name, content[name], chosen) for name in names}
    if RATING not in tables[RATINGS] and "liked" in chosen:
        raise DataError(
            f"{folder / CHOICES}: liked is {chosen['liked']:g}, but {RATINGS} has no ratings. Name "
            'their column with `rating = "its name"`, or leave `liked` out'
        )
    ratings, scale = _ratings(tables[RATINGS], str(folder / RATINGS), chosen.get("liked"))
    items = _items(tables[ITEMS], str(folder / ITEMS))
    if USERS in names:
        users = _numbered(tables[USERS], [USER], str(folder / USERS))
        users = _with_fields(users, [USER], USERS, TAKEN | set(items))
    else:
        users = pd.DataFrame({USER: np.unique(ratings[USER])})
    _check_size(users, items, folder)
    kinds = {"ratings": RATINGS, "movies": ITEMS, "users": USERS}
    return RawTables(
        {"users": users, "movies": items, "ratings": ratings},
        {kind: str(folder / name) for kind, name in kinds.items() if name in names},
        f"files in {folder.name}/",
        {name: files.digest(part) for name, part in content.items()},
        scale,
        header_lines=1,
        own=True,
        anew=WRITE_ANEW,
    )


def _choices(path: Path) -> dict:
    """The content of dataset.toml; empty if there is no such file."""
    if not os.path.lexists(path):
        return {}
    try:
        chosen = tomllib.loads(files.read(path, limit=2**12).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        where = re.search(r" \(at .*\)$", str(error))
        raise DataError(
            f"{path} is not a TOML file in UTF-8{where[0] if where else ''}. Correct it: each line "
            'is like `user = "customer"` or `liked = 4`'
        ) from error
    for key, value in chosen.items():
        if key != "liked" and key not in NAMES:
            expected = ", ".join([*NAMES, "liked"])
            raise DataError(f"{path}: there is no setting {quoted(key)}: use {expected}")
        kinds, expected = ((int, float), "a number") if key == "liked" else (str, "a column's name")
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise DataError(f"{path}: {key} is {quoted(value)}, expected {expected}")
    if not -LARGEST <= chosen.get("liked", 0) <= LARGEST:
        raise DataError(f"{path}: liked is {quoted(chosen['liked'])}, expected {A_RATING}")
    return chosen


def _renamed(path: Path, content: bytes, chosen: dict) -> pd.DataFrame:
    """A table as text, with the known columns renamed to the project's names."""
    frame = parse_csv(content, str(path), anew=WRITE_ANEW)
    if not content.endswith(b"\n"):
        text = "%s, line %d: the last line has no line end, so it may be cut short"
        log.warning(text, path, len(frame) + 1)
    found, others = {}, []
    for meaning, name in COLUMNS[path.name].items():
        column = _column(frame, meaning, path, chosen)
        if column in found:
            raise DataError(
                f"{path.with_name(CHOICES)}: {quoted(column)} is used for two settings, expected "
                "a column for each"
            )
        if column is not None and meaning in ("rating", "time") and _is_empty(frame[column]):
            others.append(column)
            log.info("%s: the column %s is left out, it is empty", path.name, quoted(column))
        elif column is not None:
            found[column] = name
        elif meaning in NEEDED[path.name]:
            raise DataError(
                f"{path}, line 1: no column {meaning} in {quoted(list(frame))}. Name one of them "
                f'{meaning}, or write `{meaning} = "its name"` into {path.with_name(CHOICES)}'
            )
    for name in found.values():
        if name in frame and name not in found and name not in others:
            others.append(name)
            log.info("%s: the column %s is left out, another one is used instead", path.name, name)
    return frame.drop(columns=others).rename(columns=found)


def _is_empty(values: pd.Series) -> bool:
    """Whether every value of a column is empty."""
    return not values.str.strip().any()


def _column(frame: pd.DataFrame, meaning: str, path: Path, chosen: dict) -> str | None:
    """The column with a meaning; None if there is none."""
    if meaning in chosen:
        if chosen[meaning] not in frame:
            raise DataError(
                f"{path.with_name(CHOICES)}: {meaning} is {quoted(chosen[meaning])}, but "
                f"{path.name} has the columns {quoted(list(frame))}"
            )
        return chosen[meaning]
    known = NAMES[meaning]
    if path.name != RATINGS and meaning in ("user", "item"):
        known = (*known, "id")
    usual = [name for name in frame if name.lower().replace("_", "") in known]
    if len(usual) > 1:
        raise DataError(
            f"{path}, line 1: {' and '.join(map(quoted, usual))} can both be the {meaning}. Write "
            f'`{meaning} = "its name"` into {path.with_name(CHOICES)}'
        )
    return usual[0] if usual else None


def _ratings(frame: pd.DataFrame, file: str, liked: float | None) -> tuple[pd.DataFrame, Scale]:
    """The ratings and their scale. Without ratings, every row means "liked"."""
    given = [name for name in (USER, MOVIE, TIMESTAMP) if name in frame]
    table = _numbered(frame[given], given, file)
    for name in frame.columns.difference([*given, RATING], sort=False):
        text = "%s: the column %s is left out, only user, item, rating and time are used"
        log.info(text, RATINGS, quoted(name))
    if TIMESTAMP in frame and 0 < table[TIMESTAMP].max() < FIRST_TIME:
        row = int(table[TIMESTAMP].argmax())
        raise DataError(
            f"{file}, line {row + 2}: the latest time is {table[TIMESTAMP][row]}, which is before "
            f"1980; expected seconds since 1970, such as {FIRST_TIME} for 1980-01-01. Convert the "
            "times, or leave the column out"
        )
    if TIMESTAMP not in frame or not table[TIMESTAMP].any():
        log.info("%s has no times: nothing is split, dated or ordered by time", file)
        table[TIMESTAMP] = 0
    if RATING not in frame:
        table[RATING] = 1
        repeated = table.duplicated([USER, MOVIE], keep="last")
        log.info("%s has no ratings: each row means that a user chose an item", file)
        if repeated.any():
            log.info(
                "%s: %d repeated choices of an item by the same user are dropped",
                file,
                repeated.sum(),
            )
        table = table.sort_values(TIMESTAMP, kind="stable")
        table = table.drop_duplicates([USER, MOVIE], keep="last").sort_index()
        return table[[USER, MOVIE, RATING, TIMESTAMP]], Scale((1,), 1)
    numbers = pd.to_numeric(frame[RATING], errors="coerce")
    wrong = ~(numbers.abs() <= LARGEST)
    if wrong.any():
        raise _fault(file, frame, RATING, wrong, A_RATING)
    scale = _scale(np.unique(numbers), file, liked)
    whole = all(float(rating).is_integer() for rating in scale.ratings)
    table[RATING] = numbers.astype(np.int32 if whole else np.float64)
    return table[[USER, MOVIE, RATING, TIMESTAMP]], scale


def _scale(found: np.ndarray, file: str, liked: float | None) -> Scale:
    """The scale of the ratings that occur."""
    if len(found) > MOST_RATINGS:
        raise DataError(
            f"{file} has {len(found)} different ratings, from {found[0]:g} to {found[-1]:g}, "
            f"expected at most {MOST_RATINGS}. Round them, or leave the column out if they are "
            "counts: then each row means that a user chose an item"
        )
    usual = [scale for scale in (FIVE_STARS, HALF_STARS) if set(found) <= set(scale.ratings)]
    ratings = usual[0].ratings if usual else tuple(found.tolist())
    lowest = round(LIKED_SHARE * ratings[-1], 6) if liked is None else liked
    above = [rating for rating in ratings if rating >= lowest]
    if not above or (len(above) == len(ratings) > 1):
        raise DataError(
            f"{file} has ratings from {ratings[0]:g} to {ratings[-1]:g}; from {lowest:g} on they "
            f"would be liked, which is all or none of them. Write `liked = ...` into {CHOICES}"
        )
    log.info("ratings of %g or more count as liked (`liked` in %s changes that)", above[0], CHOICES)
    return Scale(ratings, above[0])


def _items(frame: pd.DataFrame, file: str) -> pd.DataFrame:
    """The items with the year in the title's brackets and genres separated by `|`.

    The genres can also be in several columns, genre1, genre2 and so on.
    """
    table = _numbered(frame, [MOVIE], file)
    untitled = table["title"].str.strip() == ""
    if untitled.any():
        raise _fault(file, frame, "title", untitled, "text")
    if "year" in table:
        year = table["year"].str.strip()
        wrong = ~year.isin(["", *map(str, range(RELEASED[0], RELEASED[1] + 1))])
        if wrong.any():
            raise _fault(file, frame, "year", wrong, A_YEAR)
        dated = table["title"].str.extract(YEAR_PATTERN, expand=False).notna() | (year == "")
        table["title"] = table["title"].where(dated, table["title"] + " (" + year + ")")
    names = [name for name in table if GENRE.fullmatch(name)]
    listed = pd.Series("", table.index).str.cat(table[names], sep="|").str.strip("|")
    genres = _genres(listed, file)
    table = table.drop(columns=[*names, "year"], errors="ignore")
    table.insert(2, "genres", genres)
    known = [MOVIE, "title", "genres"]
    return _with_fields(table[[*known, *table.columns.drop(known)]], known, ITEMS, TAKEN)


def _genres(listed: pd.Series, file: str) -> pd.Series:
    """Each item's genres without repetitions, separated by `|`.

    Args:
        listed: the genres with `|`, `;` or `,` between them.
        file: the table's name, for error messages.
    """
    known, faulty = {}, {}
    for text in listed.unique():
        parts = [part.strip() for part in text.replace(";", "|").replace(",", "|").split("|")]
        names = dict.fromkeys(part for part in parts if part.lower() not in NO_GENRE)
        known[text] = "|".join(names)
        if len(names) > MOST_GENRES:
            faulty[text] = f"at most {MOST_GENRES} genres of one item"
        elif any(len(name) > LONGEST_GENRE or NOT_A_GENRE.search(name) for name in names):
            faulty[text] = GENRES
    if faulty:
        wrong = listed.isin(faulty)
        expected = faulty[listed[wrong].iloc[0]]
        raise _fault(file, pd.DataFrame({"genres": listed}), "genres", wrong, expected)
    different = {name for text in known.values() for name in text.split("|")} - {""}
    if len(different) > MOST_VALUES:
        raise DataError(
            f"{file} has {len(different)} different genres, expected at most {MOST_VALUES}. Leave "
            "the rare ones out, or give the column another name"
        )
    return listed.map(known)


def _check_size(users: pd.DataFrame, items: pd.DataFrame, folder: Path) -> None:
    """Refuse more users and items than an encoder's file may have."""
    size = sum(4 * len(str(ids.max())) * (len(ids) + 1) for ids in (users[USER], items[MOVIE]))
    if size > MOST_ID_BYTES:
        raise DataError(
            f"{folder} has {len(users):,} users and {len(items):,} items, whose ids take {size:,} "
            f"bytes in a model's files, expected at most {MOST_ID_BYTES:,}. Leave out those with "
            "the fewest ratings, or number them from 1"
        )


def _numbered(frame: pd.DataFrame, columns: list[str], file: str) -> pd.DataFrame:
    """`frame` with whole numbers in some columns."""
    meaning = {TIMESTAMP: "seconds since 1970 as a whole number"}
    converted = {}
    for name in columns:
        text = frame[name].str.strip()
        wrong = ~text.str.fullmatch(WHOLE)
        if wrong.any():
            raise _fault(file, frame, name, wrong, meaning.get(name, "a whole number"))
        converted[name] = text.astype(np.int64)
    return frame.assign(**converted)


def _fault(file: str, frame: pd.DataFrame, name: str, wrong: pd.Series, expected: str) -> DataError:
    """The error of the first wrong value of a column."""
    row = int(np.argmax(wrong))
    what = {USER: "user", MOVIE: "item", TIMESTAMP: "time"}.get(name, name)
    value = frame[name].iloc[row]
    remedy = "Correct the file, for example with pandas"
    if name in (RATING, TIMESTAMP) and not value.strip():
        remedy = f"Fill it in, or leave the column out if there are no {what}s"
    return DataError(
        f"{file}, line {row + 2}: {what} is {quoted(value)}, expected {expected}. {remedy}"
    )


def _with_fields(table: pd.DataFrame, known: list[str], file: str, taken: set[str]) -> pd.DataFrame:
    """The table with its further columns as fields of few values; logs what became of each.

    Args:
        table: the known columns, and further ones as text.
        known: the columns that stay as they are.
        file: the table's name, for the log.
        taken: names that further columns cannot have.
    """
    kept = {}
    for name in table.columns.drop(known):
        values = table[name].str.strip()
        count, numbers = values.nunique(), pd.to_numeric(values, errors="coerce")
        empty = values == ""
        if name in taken:
            log.info("%s: the column %s is left out, another field has its name", file, name)
        elif not re.fullmatch(r"\w[\w .-]{0,40}", name):
            reason = "its name is not a plain word"
            log.info("%s: the column %s is left out, %s", file, quoted(name), reason)
        elif len(kept) == MOST_FIELDS:
            reason = f"there are {MOST_FIELDS} fields of this file already"
            log.info("%s: the column %s is left out, %s", file, name, reason)
        elif values.str.len().max() > LONGEST_VALUE:
            reason = f"it has a value of more than {LONGEST_VALUE} characters"
            log.info("%s: the column %s is left out, %s", file, name, reason)
        elif 1 < count <= MOST_VALUES:
            kept[name] = values
            log.info("%s: the column %s is a field with %d values", file, name, count)
        elif count > 1 and np.isfinite(numbers[~empty]).all():
            parts = _parts(numbers)
            if (number := parts.nunique()) > 1:
                kept[name] = parts.where(~empty, "")
                text = "%s: the column %s is a field, divided into %d parts by quantiles"
                log.info(text, file, name, number)
            else:
                reason = "its quantiles do not divide it"
                log.info("%s: the column %s is left out, %s", file, name, reason)
        else:
            reason = "it has one value" if count <= 1 else f"it has {count} different texts"
            log.info("%s: the column %s is left out, %s", file, name, reason)
    return table[known].assign(**kept)


def _parts(numbers: pd.Series) -> pd.Series:
    """For each number, the range between two quantiles that contains it, as text."""
    try:
        with np.errstate(all="ignore"):  # numbers near the limits of floats
            return pd.qcut(numbers, BINS, duplicates="drop").astype(str)
    except ValueError:
        return pd.Series("", numbers.index)
