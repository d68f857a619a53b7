"""Read raw text files: the formats in which MovieLens is published, and CSV files in general."""

import contextlib
import csv
import io
import re
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.data.schema import Scale
from movierec.errors import QUOTED, MovieRecError, printable, quoted

ANEW = "restore the file from the archive it came from"
RELEASED = 1870, 2100  # the years in which a movie can have been released
UNPACK, EXPORT = "unpack it there", "save it as CSV in UTF-8"
OTHER_KINDS = [  # a file's first bytes, what it is, what to do
    (rb"\x1f\x8b", "a gzip file", UNPACK),
    (rb"BZh[1-9]1AY&SY", "a bzip2 file", UNPACK),
    (rb"\xfd7zXZ\0", "an xz file", UNPACK),
    (rb"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
    (rb"PK\x03\x04.{26}(\[Content_Types|_rels/|xl/|docProps/|mimetype)", "a spreadsheet", EXPORT),
    (rb"PK\x03\x04", "a zip file", UNPACK),
    (rb"\xd0\xcf\x11\xe0", "a spreadsheet", EXPORT),
    (rb"PAR1[\0-\x08\x0b\x0c\x0e-\x1f]", "a Parquet file", EXPORT),
    (rb"\xff\xfe|\xfe\xff|[ -~]\0[ -~]\0|\0[ -~]\0[ -~]", "UTF-16 text", EXPORT),
    (rb"(\xef\xbb\xbf)?\s*(?i:<!doctype html|<html)", "a web page", "download the file itself"),
]
CONTROLS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")  # not tab and line ends
CONTROL_BYTES = [
    re.compile(rb"[\0-\x08\x0b\x0c\x0e-\x1f\x7f]"),
    re.compile(rb"\xc2[\x80-\x84\x86-\x9f]"),  # in UTF-8
]
LONGEST = 100_000  # characters of a field of a CSV file
csv.field_size_limit(2**30)  # so that it does not say of longer ones that a quote is not closed


class DataError(MovieRecError):
    """Data that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class RawTables:
    """The tables of a data set as they were read, before they are checked.

    Args:
        tables: users, movies and ratings.
        paths: the file of each table, with its folder; no entry "users" if the users are taken from
            the ratings.
        source: where the files came from, in words.
        sha256: SHA-256 of each raw file, by file name.
        scale: the ratings that can be given.
        header_lines: lines before the first row.
        own: whether they are somebody's own ratings rather than a MovieLens release.
        anew: how to get the files again, for error messages.
    """

    tables: dict[str, pd.DataFrame]
    paths: dict[str, str]
    source: str
    sha256: dict[str, str]
    scale: Scale
    header_lines: int
    own: bool = False
    anew: str = ANEW


FIELD_END = (
    "\x1f"  # ASCII's unit separator: it occurs in no text, so it can replace longer separators
)
WHOLE = re.compile(r"-?[0-9]+")
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?")
DTYPES = {int: np.int64, float: np.float32}


def parse(
    content: bytes,
    file: str,
    separator: str,
    columns: dict[str, type],
    header: str = "",
    anew: str = ANEW,
) -> pd.DataFrame:
    """Rows of a raw text file, as int64, float32 and text columns.

    UTF-8 (with or without a byte-order mark) is recognised; anything else is read as Latin-1,
    which GroupLens uses. Lines may end in LF, CRLF or CR, but must have an end: a last line
    without one may have been cut.

    Args:
        content: the file's bytes.
        file: its name with its folder, for error messages.
        separator: the text between two fields.
        columns: name and type (int, float or str) of every field, in order.
        header: the first line, if there is one.
        anew: how to get the file again, for error messages.

    Raises:
        DataError: naming the first line that is not as expected.
    """
    _refuse_other_kinds(content, file)
    body = _text(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n"), file)
    if control := CONTROLS.search(body):
        line = body.count("\n", 0, control.start()) + 1
        raise DataError(
            f"{file}, line {line}: it has the control character {control[0]!r}, expected text in "
            f"UTF-8 or Latin-1 (not UTF-16). Correct that line, or {anew}"
        )
    if header:
        first, _, body = body.partition("\n")
        if first != header:
            raise DataError(
                f"{file}, line 1: expected the header {header!r}, found {quoted(first)}: {anew}"
            )
    if not body.strip():
        raise DataError(f"{file} is empty: {anew}")
    frame = _rows(body, separator, columns)
    if frame is None:
        raise DataError(_first_fault(body, file, separator, columns, bool(header), anew))
    if not body.endswith("\n"):
        raise DataError(
            f"{file}, line {len(frame) + bool(header)}: the last line has no line end, so it may "
            f"be cut short. Complete it and end the line, or {anew}"
        )
    return frame


def _text(content: bytes, file: str) -> str:
    """The text of a file in UTF-8 or Latin-1, but not in both."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
    for number, other in enumerate(content.split(b"\n"), start=1):
        with contextlib.suppress(UnicodeDecodeError):
            if not other.isascii():
                other.decode()
                raise DataError(
                    f"{file}: line {line} is Latin-1, but line {number} is UTF-8: "
                    f"{quoted(other.decode())}. Save the whole file as UTF-8"
                )
    return content.decode("latin-1")


def _rows(body: str, separator: str, columns: dict[str, type]) -> pd.DataFrame | None:
    """The table; None if a line is not as expected."""
    lines = body.count("\n") + (not body.endswith("\n"))
    if body.count(separator) != lines * (len(columns) - 1):
        return None
    numeric = [name for name, kind in columns.items() if kind is int]
    if str not in columns.values():  # the parser would accept True and 1e0
        point = b"." if float in columns.values() else b""
        if body.encode().translate(None, b"-0123456789\n" + separator.encode() + point):
            return None
        kinds = {name: DTYPES[kind] for name, kind in columns.items()}
    else:
        kinds = dict.fromkeys(columns, str)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "error", pd.errors.ParserWarning
            )  # raised for a line with too many fields
            frame = pd.read_csv(
                io.StringIO(body.replace(separator, FIELD_END)),
                sep=FIELD_END,
                lineterminator="\n",
                names=list(columns),
                dtype=kinds,
                index_col=False,
                quoting=csv.QUOTE_NONE,
                keep_default_na=False,
                skip_blank_lines=False,
                engine="c",
            )
        if frame.isna().any(axis=None):
            return None
        for name in numeric:
            if kinds[name] is str:
                if not frame[name].str.fullmatch(WHOLE).all():
                    return None
                frame[name] = frame[name].astype(np.int64)
    except (ValueError, OverflowError, pd.errors.ParserWarning):
        return None
    return frame


def _first_fault(
    body: str, file: str, separator: str, columns: dict[str, type], has_header: bool, anew: str
) -> str:
    """What is wrong with the first faulty line."""
    expected = separator.join(columns)
    for number, line in enumerate(body.split("\n"), start=1 + has_header):
        if fault := _line_fault(
            line, line.split(separator), columns, f"{separator!r} ({expected})"
        ):
            return f"{file}, line {number}: {fault}. Correct that line, or {anew}"
    return f"{file} cannot be read as {expected}: {anew}"


def _line_fault(line: str, fields: list[str], columns: dict[str, type], separated_by: str) -> str:
    """What is wrong with the fields of a line; "" if nothing."""
    if len(fields) != len(columns):
        return (
            f"{len(fields)} field(s) in {quoted(line)}, expected {len(columns)} separated by "
            f"{separated_by}"
        )
    faults = (
        _number_fault(name, kind, field)
        for (name, kind), field in zip(columns.items(), fields, strict=True)
    )
    return next(filter(None, faults), "")


def _number_fault(name: str, kind: type, field: str) -> str:
    """What is wrong with a number; "" if nothing."""
    if kind is int and not WHOLE.fullmatch(field):
        return f"{name} is {quoted(field)}, expected a whole number"
    if kind is float and not DECIMAL.fullmatch(field):
        return f"{name} is {quoted(field)}, expected a number such as 3.5"
    if kind is int and len(field) > 18:
        return f"{name} is {quoted(field)}, which is too large for an id or a time"
    return ""


def _number_faults(name: str, kind: type, fields: pd.Series) -> pd.Series:
    """Whether there is something wrong with each number."""
    return fields.map(lambda field: bool(_number_fault(name, kind, field)))


def parse_csv(
    content: bytes, file: str, columns: dict[str, type] | None = None, anew: str = ANEW
) -> pd.DataFrame:
    """Rows of a CSV file in UTF-8 with a header, as int64, float32 and text columns.

    Each row is one line: a quoted field with a line end is refused.

    Args:
        content: the file's bytes.
        file: its name with its folder, for error messages.
        columns: name and type (int, float or str) of every column, in order; None for text columns
            with the names of the header.
        anew: how to get the file again, for error messages.

    Raises:
        DataError: naming the first line that is not as expected.
    """
    import pyarrow.csv

    _refuse_other_kinds(content, file)
    content = content.removeprefix(b"\xef\xbb\xbf")
    header = _csv_header(content, file, anew)
    if columns is not None and header != list(columns):
        raise DataError(
            f"{file}, line 1: expected the columns {', '.join(columns)}, found {quoted(header)}: "
            f"{anew}"
        )
    if len(set(header)) < len(header) or not all(header):
        hint = "" if header[0] else " (pandas saves its index without a name: write index=False)"
        raise DataError(
            f"{file}, line 1: each column needs a name of its own{hint}, found {quoted(header)}. "
            "Correct that line"
        )
    kinds = columns or dict.fromkeys(header, str)
    text = [name for name, kind in kinds.items() if kind is str]
    if not text and _has_other_bytes(content):  # the parser would accept 0x1 and 1e0
        raise DataError(_first_csv_fault(content, file, kinds, anew))
    arrow = {int: pyarrow.int64(), float: pyarrow.float32(), str: pyarrow.string()}
    convert = pyarrow.csv.ConvertOptions(
        column_types={name: arrow[str if text else kind] for name, kind in kinds.items()},
        null_values=[],
        strings_can_be_null=False,
    )
    try:
        table = pyarrow.csv.read_csv(
            pyarrow.BufferReader(content),
            read_options=pyarrow.csv.ReadOptions(column_names=header, skip_rows=1),
            parse_options=pyarrow.csv.ParseOptions(ignore_empty_lines=False),
            convert_options=convert,
        )
    except pyarrow.ArrowInvalid as error:
        raise DataError(_first_csv_fault(content, file, kinds, anew)) from error
    if not table.num_rows:
        raise DataError(f"{file} has a header and no rows: {anew}")
    frame = table.to_pandas()
    lines = content.count(b"\n") - 1 + (not content.endswith(b"\n"))
    numeric = {name: kind for name, kind in kinds.items() if text and kind is not str}
    if (
        len(frame) != lines  # a quoted line end, or a quotation mark that is never closed
        or frame.isna().any(axis=None)  # the word nan as a number
        or content.count(b"\r") != content.count(b"\r\n")
        or (text and any(controls.search(content) for controls in CONTROL_BYTES))
        or any(frame[name].str.len().max() > LONGEST for name in text)
        or any(_number_faults(name, kind, frame[name]).any() for name, kind in numeric.items())
    ):
        raise DataError(_first_csv_fault(content, file, kinds, anew))
    dtypes = {name: DTYPES[kind] for name, kind in numeric.items()}
    return frame.astype(dtypes) if numeric else frame


def _has_other_bytes(content: bytes) -> bool:
    """Whether a file of numbers has other bytes than theirs after the header."""
    start = content.find(b"\n") + 1 or len(content)
    parts = (content[place : place + 2**16] for place in range(start, len(content), 2**16))
    return any(part.translate(None, b'-0123456789.,"\r\n') for part in parts)


def _refuse_other_kinds(content: bytes, file: str) -> None:
    """Refuse archives, spreadsheets and the like."""
    for start, kind, remedy in OTHER_KINDS:
        if re.match(start, content, re.DOTALL):
            raise DataError(f"{file} is {kind}, expected text in UTF-8: {remedy}")


def _csv_header(content: bytes, file: str, anew: str) -> list[str]:
    """The column names of a CSV file, without spaces around them."""
    line = io.BytesIO(content).readline().rstrip(b"\r\n")
    if not line and not content.strip():
        raise DataError(f"{file} is empty: {anew}")
    other = next((mark for mark in (b";", b"\t", b"|") if mark in line), None)
    if other and b"," not in line:
        raise DataError(
            f"{file}, line 1: the columns in {quoted(line.decode('latin-1'))} are separated by "
            f"{quoted(other.decode())}, expected commas. Save the file with commas"
        )
    names = []
    with contextlib.suppress(UnicodeDecodeError, csv.Error):
        text = line.decode()
        if "\r" not in text and not CONTROLS.search(text):
            names = [name.strip() for name in next(csv.reader([text], strict=True), [])]
    if not any(names):
        raise DataError(f"{file}, line 1: this is not the header of a CSV file in UTF-8: {anew}")
    return names


def _first_csv_fault(content: bytes, file: str, columns: dict[str, type], anew: str) -> str:
    """What is wrong with the first faulty line of a CSV file."""
    expected = printable(", ".join(columns))[:QUOTED]
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n")[1:], start=2):
        where = f"{file}, line {number}"
        try:
            text = line.removesuffix(b"\r").decode()
            if "\r" in text:
                return f"{where}: it has a carriage return inside. Correct that line"
            fields = next(csv.reader([text], strict=True), [])
        except UnicodeDecodeError:
            return f"{where}: {quoted(line.decode('latin-1'))} is not UTF-8. Save the file as UTF-8"
        except csv.Error:
            return (
                f"{where}: a quotation mark in {quoted(text)} is not closed. Correct that line; a "
                "field cannot have several lines"
            )
        if fault := _line_fault(text, fields, columns, f"commas ({expected})"):
            return f"{where}: {fault}. Correct that line, or {anew}"
        if (longest := max(map(len, fields))) > LONGEST:
            return (
                f"{where}: a field has {longest:,} characters, expected at most {LONGEST:,}. "
                "Shorten it"
            )
        if control := CONTROLS.search(text):
            return f"{where}: it has the control character {control[0]!r}. Correct that line"
    return f"{file} cannot be read as a CSV file with the columns {expected}: {anew}"


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
ATOMIC_HEADERS = {
    "users": "user_id:token\tage:token\tgender:token\toccupation:token\tzip_code:token",
    "movies": "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq",
    "ratings": "user_id:token\titem_id:token\trating:float\ttimestamp:float",
}
ATOMIC_MOVIES = {"movie_id": int, "title": str, "year": str, "genres": str}
# ML-100K's occupation → ML-1M's number
ML100K_OCCUPATIONS = {"administrator": 3, "artist": 2, "doctor": 6, "educator": 1, "engineer": 17}
ML100K_OCCUPATIONS |= {"entertainment": 2, "executive": 7, "healthcare": 6, "homemaker": 9}
ML100K_OCCUPATIONS |= {"lawyer": 11, "librarian": 1, "marketing": 14, "none": 19, "other": 0}
ML100K_OCCUPATIONS |= {"programmer": 12, "retired": 13, "salesman": 14, "scientist": 15}
ML100K_OCCUPATIONS |= {"student": 4, "technician": 17, "writer": 20}


def read_ml100k(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-100K's `u.*` files, GroupLens's format."""
    if table == "ratings":
        return parse(content, file, "\t", RATING_COLUMNS)
    if table == "users":
        return _ml1m_groups(parse(content, file, "|", ML100K_USERS), file, first_line=1)
    frame = parse(content, file, "|", ML100K_MOVIES)
    flags = frame[ML100K_GENRES].to_numpy()
    if not np.isin(flags, [0, 1]).all():
        line = int(np.argmin(np.isin(flags, [0, 1]).all(axis=1))) + 1
        raise DataError(
            f"{file}, line {line}: a genre flag is not 0 or 1. Correct that line, or {ANEW}"
        )
    flags = flags.astype(bool)
    genres = ["|".join(np.asarray(ML100K_GENRES)[row]) for row in flags]
    return frame[["movie_id", "title"]].assign(genres=genres)


def read_atomic(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-100K's files from the recbole wheel, with the year put back into the title."""
    header = ATOMIC_HEADERS[table]
    if table == "ratings":
        return parse(content, file, "\t", RATING_COLUMNS, header)
    if table == "users":
        users = parse(content, file, "\t", ML100K_USERS, header)
        return _ml1m_groups(users, file, first_line=2)
    frame = parse(content, file, "\t", ATOMIC_MOVIES, header)
    title = frame["title"].str.replace("unkonwn", "unknown")
    dated = frame["year"].str.fullmatch(r"[0-9]{4}")  # one title has a year, one movie has none
    return pd.DataFrame(
        {
            "movie_id": frame["movie_id"],
            "title": title.where(~dated, title + " (" + frame["year"] + ")"),
            "genres": frame["genres"].str.replace(" ", "|"),
        }
    )


ML10M_COLUMNS = ML1M_COLUMNS | {"ratings": RATING_COLUMNS | {"rating": float}}


def read_ml10m(table: str, content: bytes, file: str) -> pd.DataFrame:
    """ML-10M's `*.dat` files, with half stars and without users."""
    return _without_none_listed(parse(content, file, "::", ML10M_COLUMNS[table]))


CSV_COLUMNS = {
    "movies": {"movieId": int, "title": str, "genres": str},
    "ratings": {"userId": int, "movieId": int, "rating": float, "timestamp": int},
}


def read_csv_release(table: str, content: bytes, file: str) -> pd.DataFrame:
    """The `*.csv` files of ML-20M and later releases, with half stars and without users."""
    frame = parse_csv(content, file, CSV_COLUMNS[table])
    if not content.endswith(b"\n"):
        raise DataError(
            f"{file}, line {len(frame) + 1}: the last line has no line end, so it may be cut "
            f"short. Complete it and end the line, or {ANEW}"
        )
    return _without_none_listed(frame.rename(columns={"userId": "user_id", "movieId": "movie_id"}))


def _without_none_listed(frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with empty genres where MovieLens says that none are listed."""
    if "genres" not in frame:
        return frame
    return frame.assign(genres=frame["genres"].replace("(no genres listed)", ""))


def _ml1m_groups(users: pd.DataFrame, file: str, first_line: int) -> pd.DataFrame:
    """ML-100K users with ML-1M's age groups and occupation numbers."""
    occupation = users["occupation"].map(ML100K_OCCUPATIONS)
    if occupation.isna().any():
        row = int(occupation.isna().argmax())
        raise DataError(
            f"{file}, line {row + first_line}: occupation is {quoted(users['occupation'][row])}, "
            f"expected one of {list(ML100K_OCCUPATIONS)}. Correct that line, or {ANEW}"
        )
    bounds = np.array([1, 18, 25, 35, 45, 50, 56])
    group = np.searchsorted(bounds, users["age"], side="right") - 1
    group[users["age"] > 120] = -1
    age = np.where(group < 0, users["age"], bounds[group])  # the schema refuses impossible ages
    order = ["user_id", "gender", "age", "occupation", "zipcode"]
    return users.assign(age=age, occupation=occupation.astype(np.int64))[order]
