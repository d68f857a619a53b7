"""Find or download the raw files of a data set.

The places, in the order in which they are tried:

1. raw files in ``data/<name>/``, put there by hand;
2. an archive in ``data/<name>/``; its SHA-256 is checked at every load, and it is read without
   being unpacked;
3. the official archive, from GroupLens or a mirror;
4. for ml-100k, the PyPI wheel recbole 1.2.1, which contains the data set as an example.
"""

import logging
import lzma
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pandas as pd
import pooch

from movierec import files
from movierec.data import raw_readers
from movierec.data.raw_readers import DataError
from movierec.data.schema import FIVE_STARS, HALF_STARS, Scale
from movierec.errors import quoted

DATA_DIR = files.ROOT / "data"
NOT_COMPARED = "(not compared with the official release)"
CONNECT_SECONDS, READ_SECONDS, PIP_SECONDS = 10, 60, 180

# in a data set's folder: hidden files, notes, what `preprocess` writes, interrupted downloads
PASSED_OVER = re.compile(r"\.|(?i:readme|provenance)|\w+_prepro\.|tmp[a-z0-9_]{8}$")

T = TypeVar("T")

log = logging.getLogger("movierec")


DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)  # of a zip archive


class NotFoundError(DataError):
    """A data set that is not on disk and cannot be downloaded."""


@dataclass(frozen=True)
class Wheel:
    """A package that contains data: pip's requirement, the file it downloads, and its SHA-256."""

    requirement: str
    archive: str
    sha256: str


@dataclass(frozen=True)
class Layout:
    """One format in which a data set is published.

    Args:
        archive: file name of the archive, a zip or a wheel.
        sha256: the archive's SHA-256; "" if it changes from time to time: then it is not
            downloaded, and its content is not checked.
        folder: the folder of the raw files inside the archive.
        files: the raw file of each table. If there is no users file, the users are those who have
            ratings.
        read: function of (table, content, file name) that returns a raw table.
        header_lines: lines before the first row.
        urls: addresses of the archive, tried in order.
        requirement: the package that contains it, downloaded with pip.
        scale: the ratings that can be given.
    """

    archive: str
    sha256: str
    folder: str
    files: dict[str, str]
    read: Callable[[str, bytes, str], pd.DataFrame]
    header_lines: int = 0
    urls: tuple[str, ...] = ()
    requirement: str = ""
    scale: Scale = FIVE_STARS


@dataclass(frozen=True)
class Found:
    """The raw bytes of each table and where they came from.

    Args:
        layout: the format of the files.
        content: the bytes of each table.
        place: the folder or archive that they are in.
        source: the same in words.
    """

    layout: Layout
    content: dict[str, bytes]
    place: Path
    source: str

    @cached_property
    def sha256(self) -> dict[str, str]:
        """SHA-256 of each raw file, by file name."""
        return {
            self.layout.files[table]: files.digest(content)
            for table, content in self.content.items()
        }


def first_available(names: Sequence[str], load: Callable[[str], T]) -> T:
    """`load(name)` of the first data set that can be found or downloaded.

    Raises:
        NotFoundError: none of them can; the message is the last one's.
        DataError: the first one found is damaged.
    """
    for name in names[:-1]:
        try:
            return load(name)
        except NotFoundError as error:
            log.warning("%s\nContinuing without %s.", error, name)
    return load(names[-1])


def find(name: str, folder: Path, fetch: bool) -> Found:
    """Bytes of the data set `name`, from `folder` or, if `fetch`, downloaded.

    Raises:
        DataError: an incomplete set of files, other files, or a damaged archive.
        NotFoundError: nothing is on disk and nothing could be downloaded.
    """
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        what = "a file" if folder.exists() else "a broken link"
        raise DataError(f"{folder} is {what}, expected a folder with {name}'s files: remove it")
    for layout in LAYOUTS[name]:
        if (found := _loose(layout, folder)) is not None:
            return found
    for layout in LAYOUTS[name]:
        if (folder / layout.archive).exists():
            return _packed(layout, folder)
    _refuse_other_releases(name, folder)
    _refuse_other_files(name, folder)
    failures = []
    if fetch:
        for layout in LAYOUTS[name]:
            if not layout.sha256:
                failures.append(f"{layout.archive} changes from time to time, so it is not fetched")
                continue
            try:
                _fetch(layout, folder)
                return _packed(layout, folder)
            except NotFoundError as error:
                failures.append(str(error))
    official = LAYOUTS[name][0]
    raise NotFoundError(
        f"{name} is not in {folder}"
        + "".join(f"\n  {failure}" for failure in failures)
        + f"\nTo add it by hand: download {official.urls[0]} on any machine and put "
        f"{official.archive} (or its files {', '.join(official.files.values())}) into {folder}"
    )


def _refuse_other_releases(name: str, folder: Path) -> None:
    """Refuse a folder that has the files of other releases than `name`."""
    others = {
        other: layout.files.values()
        for other, layouts in LAYOUTS.items()
        for layout in layouts
        if all((folder / file).exists() for file in layout.files.values())
    }
    if others:
        found = sorted({file for names in others.values() for file in names})
        raise DataError(
            f"{folder} has {', '.join(found)}, the files of {' or '.join(others)}; {name} has "
            f"{', '.join(LAYOUTS[name][0].files.values())}. Put them into a folder with their "
            "release's name"
        )


def _refuse_other_files(name: str, folder: Path) -> None:
    """Refuse a folder that has files, but not those of the data set `name`."""
    entries = sorted(folder.iterdir()) if folder.exists() else []
    found = [
        f"{entry.name}/" if entry.is_dir() else entry.name
        for entry in entries
        if not PASSED_OVER.match(entry.name)
    ]
    if found:
        more = f" and {len(found) - 5} more" if len(found) > 5 else ""
        official = LAYOUTS[name][0]
        raise DataError(
            f"{folder} has {', '.join(map(quoted, found[:5]))}{more}, expected "
            f"{official.archive}, or its files {', '.join(official.files.values())}. Put those "
            f"there, unpacked and with these names, or take away what does not belong to {name}"
        )


def _loose(layout: Layout, folder: Path) -> Found | None:
    """Raw files in `folder`; None if it has none of them."""
    paths = {table: folder / name for table, name in layout.files.items()}
    missing = [path.name for path in paths.values() if not path.exists()]
    if len(missing) == len(paths):
        return None
    if missing:
        raise DataError(
            f"{folder} lacks {', '.join(missing)}: {', '.join(layout.files.values())} belong "
            "together. Add what is missing"
        )
    try:
        content = {table: files.read(path) for table, path in paths.items()}
    except OSError as error:
        raise DataError(
            f"cannot read {error.filename}: {error.strerror}. Put the file itself there, readable "
            "for this user"
        ) from error
    found = Found(layout, content, folder, f"files in {folder.name}/")
    if not OFFICIAL.keys() & {f"{Path(layout.folder).name}/{name}" for name in found.sha256}:
        return replace(found, source=f"{found.source} {NOT_COMPARED}")
    named = ", ".join(
        name
        for name, sha256 in found.sha256.items()
        if OFFICIAL.get(f"{Path(layout.folder).name}/{name}", sha256) != sha256
    )
    if not named:
        return found
    log.warning(
        "%s: the content of %s differs from the official release; manifests record its hash",
        folder.name,
        named,
    )
    return replace(found, source=f"{found.source} (not the official {named})")


def _checked(archive: Layout | Wheel, folder: Path) -> Path:
    """Path of the archive in `folder`, after checking its hash."""
    path = folder / archive.archive
    try:
        files.check_plain(path)
        actual = files.sha256(path) if archive.sha256 else ""
    except OSError as error:
        raise DataError(
            f"cannot read {path}: {error.strerror}. Put the archive itself there, readable for "
            "this user"
        ) from error
    if actual != archive.sha256:
        raise DataError(
            f"{path} is damaged or another release: its SHA-256 is {actual}, expected "
            f"{archive.sha256}. Delete it to have it downloaded again"
        )
    return path


def wheel(package: Wheel, folder: Path) -> Path:
    """Path of the package's wheel in `folder`, downloaded with pip if it is missing.

    Raises:
        DataError: it cannot be downloaded, or its hash is not the expected one.
    """
    if not (folder / package.archive).exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch_wheel(package, folder)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotFoundError(
                f"pip download {package.requirement}: {_reason(error)}\nTo add it by hand: "
                f"download {package.archive} from a Python package index and put it into {folder}"
            ) from error
    return _checked(package, folder)


def _packed(layout: Layout, folder: Path) -> Found:
    """Raw files read from the archive in `folder`, after checking its hash."""
    path = _checked(layout, folder)
    try:
        with zipfile.ZipFile(path) as archive:
            members = {
                table: archive.getinfo(layout.folder + name) for table, name in layout.files.items()
            }
            if max(member.file_size for member in members.values()) > files.LIMIT:
                raise DataError(
                    f"{path} has a file of more than {files.LIMIT / 2**20:g} MiB: download it again"
                )
            content = {table: archive.read(member) for table, member in members.items()}
    except (OSError, KeyError, RuntimeError, *DAMAGED) as error:
        names = ", ".join(layout.files.values())
        raise DataError(f"{path} is damaged or lacks one of {names}: download it again") from error
    source = layout.archive if layout.sha256 else f"{layout.archive} {NOT_COMPARED}"
    return Found(layout, content, path / layout.folder, source)


def _fetch(layout: Layout, folder: Path) -> None:
    """Download the layout's archive into `folder` and verify it, or raise NotFoundError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFoundError(f"{folder} cannot be created: {error.strerror}") from error
    failures = []
    for url in layout.urls:
        downloader = pooch.HTTPDownloader(progressbar=True, timeout=(CONNECT_SECONDS, READ_SECONDS))
        try:
            pooch.retrieve(
                url, f"sha256:{layout.sha256}", layout.archive, folder, downloader=downloader
            )
            return
        except (OSError, ValueError) as error:  # requests raises OSError, a wrong hash ValueError
            failures.append(f"{url}: {_reason(error)}")
    if layout.requirement:
        try:
            _fetch_wheel(layout, folder)
            return
        except (OSError, subprocess.SubprocessError) as error:
            failures.append(f"pip download {layout.requirement}: {_reason(error)}")
    raise NotFoundError("\n  ".join(failures))


def _reason(error: Exception) -> str:
    """The last part of an error message, in one line: the cause without the nested wrappers."""
    text = getattr(error, "stderr", None) or str(error) or type(error).__name__
    return " ".join(text.split()).split("(Caused by ")[-1][-200:]


def _fetch_wheel(package: Layout | Wheel, folder: Path) -> None:
    """Download the wheel with pip, from its configured package index, without installing it."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part.") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", scratch, package.requirement]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
        wheel = Path(scratch) / package.archive
        actual = files.sha256(wheel)
        if actual != package.sha256:
            raise OSError(f"SHA-256 is {actual}, expected {package.sha256}")
        wheel.replace(folder / package.archive)


def _archived(name: str, stamp: str = "2") -> tuple[str, ...]:
    """Addresses of an archive.

    `stamp` is the start of the timestamp of the Internet Archive's copy.
    """
    official = f"files.grouplens.org/datasets/movielens/{name}.zip"
    return (
        f"https://{official}",
        f"https://web.archive.org/web/{stamp}id_/https://{official}",
        f"http://{official}",
    )


def _csv_release(archive: str, sha256: str) -> tuple[Layout]:
    """The layout of a release from ML-20M on."""
    return (
        Layout(
            archive=f"{archive}.zip",
            sha256=sha256,
            folder=f"{archive}/",
            files={"movies": "movies.csv", "ratings": "ratings.csv"},
            read=raw_readers.read_csv_release,
            header_lines=1,
            urls=_archived(archive),
            scale=HALF_STARS,
        ),
    )


# SHA-256 of the official raw files
OFFICIAL = {
    "ml-1m/users.dat": "1dc3a95300cb19f7c10e027daf29b8cdf1d908dab65b5edfb45950aa389a10a3",
    "ml-1m/movies.dat": "0140fc2356357c1a851d0f52e893a1e4d3696df632c4141cea8d5bc3d621f0b9",
    "ml-1m/ratings.dat": "506d64ca44484487c11dc2d9a28de5c54948213e6b96285e298afe28d6ea4e0f",
    "ml-100k/u.user": "f120e114da2e8cf314fd28f99417c94ae9ddf1cb6db8ce0e4b5995d40e90e62c",
    "ml-100k/u.item": "553841ebc7de3a0fd0d6b62a204ea30c1e651aacfb2814c7a6584ac52f2c5701",
    "ml-100k/u.data": "06416e597f82b7342361e41163890c81036900f418ad91315590814211dca490",
    "ml-100k/ml-100k.user": "4f670007d9cfbeb9807e757209af1555b9bcc186bde25e767f67cb67c6dd5972",
    "ml-100k/ml-100k.item": "51d7cdf777ce5c0f5b32c1d947a4a81fe07d75e78abbe761e0cd4d0756064532",
    "ml-100k/ml-100k.inter": "4edb74e2a81178c2ba9ff381495f754f996c4aea351b1272ca36b43da0935eff",
}
LAYOUTS = {
    "ml-1m": (
        Layout(
            archive="ml-1m.zip",
            sha256="a6898adb50b9ca05aa231689da44c217cb524e7ebd39d264c56e2832f2c54e20",
            folder="ml-1m/",
            files={"users": "users.dat", "movies": "movies.dat", "ratings": "ratings.dat"},
            read=raw_readers.read_ml1m,
            urls=_archived("ml-1m", "20220128015818"),
        ),
    ),
    "ml-100k": (
        Layout(
            archive="ml-100k.zip",
            sha256="50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229",
            folder="ml-100k/",
            files={"users": "u.user", "movies": "u.item", "ratings": "u.data"},
            read=raw_readers.read_ml100k,
            urls=_archived("ml-100k", "2022"),
        ),
        Layout(
            archive="recbole-1.2.1-py3-none-any.whl",
            sha256="9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
            folder="recbole/dataset_example/ml-100k/",
            files={"users": "ml-100k.user", "movies": "ml-100k.item", "ratings": "ml-100k.inter"},
            read=raw_readers.read_atomic,
            header_lines=1,
            requirement="recbole==1.2.1",
        ),
    ),
    "ml-10m": (
        Layout(
            archive="ml-10m.zip",
            sha256="813c411ccb6122564edfe752e7f80c4dcc5aa25fa94c93622f6877a7ba252862",
            folder="ml-10M100K/",
            files={"movies": "movies.dat", "ratings": "ratings.dat"},
            read=raw_readers.read_ml10m,
            urls=_archived("ml-10m"),
            scale=HALF_STARS,
        ),
    ),
    "ml-20m": _csv_release(
        "ml-20m", "96f243c338a8665f6bcc89c53edf6ee39162a846940de6b7c8c48aeada765ff3"
    ),
    "ml-25m": _csv_release(
        "ml-25m", "8b21cfb7eb1706b4ec0aac894368d90acf26ebdfb6aced3ebd4ad5bd1eb9c6aa"
    ),
    "ml-32m": _csv_release(
        "ml-32m", "e4a68655d7386b8f95f2f2424b2ff975dfdd15ffd59e0d864a14dca43e99d6ee"
    ),
    "latest": _csv_release("ml-latest", ""),
    "latest-small": _csv_release(
        "ml-latest-small", "696d65a3dfceac7c45750ad32df2c259311949efec81f0f144fdfb91ebc9e436"
    ),
}
