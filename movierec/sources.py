"""Where MovieLens files come from.

A data set is looked for in this order:

1. loose raw files in ``data/<name>/``, put there by hand;
2. an archive in ``data/<name>/``, whose SHA-256 is checked at every load (it is read in place and
   never unpacked, so nothing can be half unpacked);
3. the official archive, from GroupLens or a mirror;
4. for ml-100k, the PyPI wheel recbole 1.2.1, which carries the data set as an example.
"""

import logging
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import pooch

from movierec import files, rawfiles
from movierec.rawfiles import DataError

CONNECT_SECONDS, READ_SECONDS, PIP_SECONDS = 10, 60, 180

log = logging.getLogger("movierec")


class NotFoundError(DataError):
    """A data set that is neither on disk nor to be fetched."""


@dataclass(frozen=True)
class RawFile:
    """A raw file's name and the SHA-256 of its official content."""

    name: str
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """A package that carries data: what pip is asked for, the file it gives, and its SHA-256."""

    requirement: str
    archive: str
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

    @cached_property
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
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder} is a file, expected a folder with {name}'s files: move it away")
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
    return replace(found, source=f"{found.source} (not the official {named})")


def _checked(archive: Layout | Wheel, folder: Path) -> Path:
    """The archive in `folder`, after its hash has been checked."""
    path = folder / archive.archive
    try:
        actual = files.sha256(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    if actual != archive.sha256:
        raise DataError(
            f"{path} is damaged or another release: its SHA-256 is {actual}, expected "
            f"{archive.sha256}. Delete it to have it fetched again"
        )
    return path


def wheel(package: Wheel, folder: Path) -> Path:
    """The package's wheel in `folder`, fetched with pip where it is not there yet.

    Raises:
        DataError: it cannot be fetched, or is not the release that is expected.
    """
    if not (folder / package.archive).exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _fetch_wheel(package, folder)
        except (OSError, subprocess.SubprocessError) as error:
            raise NotFoundError(
                f"pip download {package.requirement}: {_reason(error)}\nTo place it by hand: "
                f"download {package.archive} from a Python package index and put it into {folder}"
            ) from error
    return _checked(package, folder)


def _packed(layout: Layout, folder: Path) -> Found:
    """Raw files read out of the archive in `folder`, after its hash has been checked."""
    path = _checked(layout, folder)
    with zipfile.ZipFile(path) as archive:
        content = {
            table: archive.read(layout.folder + file.name) for table, file in layout.files.items()
        }
    return Found(layout, content, layout.archive)


def _fetch(layout: Layout, folder: Path) -> None:
    """Put the layout's archive into `folder`, whole and verified, or raise NotFoundError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotFoundError(f"{folder} cannot be made: {error.strerror}") from error
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
    return " ".join(text.split()).split("(Caused by ")[-1][-200:]


def _fetch_wheel(package: Layout | Wheel, folder: Path) -> None:
    """Download the wheel with pip, which knows this machine's package index; never install it."""
    with tempfile.TemporaryDirectory(dir=folder, prefix=".part.") as scratch:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", scratch, package.requirement]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=PIP_SECONDS)
        wheel = Path(scratch) / package.archive
        actual = files.sha256(wheel)
        if actual != package.sha256:
            raise OSError(f"SHA-256 is {actual}, expected {package.sha256}")
        wheel.replace(folder / package.archive)


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
            read=rawfiles.read_ml1m,
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
            read=rawfiles.read_ml100k,
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
            read=rawfiles.read_atomic,
            header_lines=1,
            requirement="recbole==1.2.1",
        ),
    ),
}
