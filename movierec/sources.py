"""Where MovieLens files come from, and the three ways in which they are written.

A data set is looked for in this order:

1. loose raw files in ``data/<name>/``, put there by hand;
2. an archive in ``data/<name>/``, whose SHA-256 is checked at every load (it is read in place and
   never unpacked, so nothing can be half unpacked);
3. the official archive, from GroupLens or a mirror;
4. for ml-100k, the PyPI wheel recbole 1.2.1, which carries the data set as an example.
"""

import csv
import io
import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pooch

from movierec import files

CONNECT_SECONDS, READ_SECONDS, PIP_SECONDS = 10, 60, 180

log = logging.getLogger("movierec")


class DataError(Exception):
    """Raw data that cannot be used as it is; the message says why and what to do."""


class NotFoundError(DataError):
    """A data set that is neither on disk nor to be fetched."""


@dataclass(frozen=True)
class RawFile:
    """A raw file's name and the SHA-256 of its official content."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Layout:
    """One way in which a data set is packed and written.

    Args:
        archive: file name of the archive, a zip or a wheel.
        sha256: the archive's SHA-256.
        folder: where the raw files stand inside the archive.
        files: the raw file of each table.
        read: function of (table, content, file name) that returns a raw table.
        header_lines: lines before the first row.
        urls: where the archive can be downloaded, tried in order.
        requirement: the package that carries it, fetched with pip.
    """

    archive: str
    sha256: str
    folder: str
    files: dict[str, RawFile]
    read: Callable[[str, bytes, str], pd.DataFrame]
    header_lines: int = 0
    urls: tuple[str, ...] = ()
    requirement: str = ""


@dataclass(frozen=True)
class Found:
    """The raw bytes of each table, with their origin."""

    layout: Layout
    content: dict[str, bytes]
    source: str

    @property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of each raw file, by file name."""
        return {
            self.layout.files[table].name: files.digest(content)
            for table, content in self.content.items()
        }


def find(name: str, folder: Path, download: bool) -> Found:
    """Bytes of the data set `name`, from `folder` or, if `download`, from elsewhere.

    Raises:
        DataError: an incomplete set of files or a damaged archive.
        NotFoundError: nothing on disk and nothing to be fetched.
    """
    for layout in LAYOUTS[name]:
        if (found := _loose(layout, folder)) is not None:
            return found
    for layout in LAYOUTS[name]:
        if (folder / layout.archive).exists():
            return _packed(layout, folder)
    failures = []
    if download:
        for layout in LAYOUTS[name]:
            try:
                _fetch(layout, folder)
                return _packed(layout, folder)
            except NotFoundError as error:
                failures.append(str(error))
    official = LAYOUTS[name][0]
    raise NotFoundError(
        f"{name} is not in {folder}"
        + "".join(f"\n  {failure}" for failure in failures)
        + f"\nTo place it by hand: download {official.urls[0]} on any machine and put "
        f"{official.archive} (or the files {_names(official)} out of it) into {folder}"
    )


def _names(layout: Layout) -> str:
    return ", ".join(file.name for file in layout.files.values())


def _loose(layout: Layout, folder: Path) -> Found | None:
    """Raw files lying in `folder`, or None where there is none of them."""
    paths = {table: folder / file.name for table, file in layout.files.items()}
    missing = [path.name for path in paths.values() if not path.exists()]
    if len(missing) == len(paths):
        return None
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}: {_names(layout)} belong together. Add what is "
            "missing, or remove the others to have the data set fetched"
        )
    try:
        content = {table: path.read_bytes() for table, path in paths.items()}
    except OSError as error:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error
    found = Found(layout, content, f"files in {folder.name}/")
    other = [f.name for f in layout.files.values() if found.sha256[f.name] != f.sha256]
    if not other:
        return found
    named = ", ".join(other)
    log.warning(
        "%s: your %s is not the official release's; manifests record its hash", folder.name, named
    )
    return Found(layout, content, f"{found.source} (not the official {named})")


def _packed(layout: Layout, folder: Path) -> Found:
    """Raw files read out of the archive in `folder`, after its hash has been checked."""
    path = folder / layout.archive
    actual = files.sha256(path)
    if actual != layout.sha256:
        raise DataError(
            f"{path} is damaged or another release: its SHA-256 is {actual}, expected "
            f"{layout.sha256}. Delete it to have it fetched again"
        )
    with zipfile.ZipFile(path) as archive:
        content = {
            table: archive.read(layout.folder + file.name) for table, file in layout.files.items()
        }
    return Found(layout, content, layout.archive)


def _fetch(layout: Layout, folder: Path) -> None:
    """Put the layout's archive into `folder`, whole and verified, or raise NotFoundError."""
    folder.mkdir(parents=True, exist_ok=True)
    failures = []
    for url in layout.urls:
        downloader = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
        try:
            pooch.retrieve(
                url, f"sha256:{layout.sha256}", layout.archive, folder, downloader=downloader
            )
            return
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is not
            failures.append(f"{url}: {_reason(error)}")
    if layout.requirement:
        try:
            _fetch_wheel(layout, folder)
            return
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"pip download {layout.requirement}: {_reason(error)}")
    raise NotFoundError("\n  ".join(failures))


def _reason(error: Exception) -> str:
    """The end of an error's message in one line: the cause, without the libraries' nesting."""
    text = getattr(error, "stderr", None) or str(error)
    return " ".join(text.split())[-160:]


def _fetch_wheel(layout: Layout, folder: Path) -> None:
    """Download the wheel with pip, which knows this machine's package index; never install it."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part.") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", scratch, layout.requirement]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
        wheel = Path(scratch) / layout.archive
        actual = files.sha256(wheel)
        if actual != layout.sha256:
            raise OSError(f"SHA-256 is {actual}, expected {layout.sha256}")
        wheel.replace(folder / layout.archive)


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


def _archived(name: str, stamp: str) -> tuple[str, ...]:
    official = f"files.grouplens.org/datasets/movielens/{name}.zip"
    return (
        f"https://{official}",
        f"https://web.archive.org/web/{stamp}id_/https://{official}",
        f"http://{official}",
    )


LAYOUTS = {
    "ml-1m": (
        Layout(
            archive="ml-1m.zip",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            folder="ml-1m/",
            files={
                "users": RawFile(
                    "users.dat", "1dc3a95300cb19f7c10e027daf29b8cdf1d908dab65b5edfb45950aa389a10a3"
                ),
                "movies": RawFile(
                    "movies.dat", "0140fc2356357c1a851d0f52e893a1e4d3696df632c4141cea8d5bc3d621f0b9"
                ),
                "ratings": RawFile(
                    "ratings.dat",
                    "506d64ca44484487c11dc2d9a28de5c54948213e6b96285e298afe28d6ea4e0f",
                ),
            },
            read=read_ml1m,
            urls=_archived("ml-1m", "20220128015818"),
        ),
    ),
    "ml-100k": (
        Layout(
            archive="ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            folder="ml-100k/",
            files={
                "users": RawFile(
                    "u.user", "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c"
                ),
                "movies": RawFile(
                    "u.item", "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701"
                ),
                "ratings": RawFile(
                    "u.data", "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490"
                ),
            },
            read=read_ml100k,
            urls=_archived("ml-100k", "2022"),
        ),
        Layout(
            archive="recbole-1.2.1-py3-none-any.whl",
            sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
            folder="recbole/dataset_example/ml-100k/",
            files={
                "users": RawFile(
                    "ml-100k.user",
                    "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
                ),
                "movies": RawFile(
                    "ml-100k.item",
                    "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
                ),
                "ratings": RawFile(
                    "ml-100k.inter",
                    "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
                ),
            },
            read=read_atomic,
            header_lines=1,
            requirement="recbole==1.2.1",
        ),
    ),
}
