"""Write a file whole or not at all, and tell files apart by their SHA-256."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Yield one temporary path per target; move them all into place if the block succeeds.

    The temporary files stand beside their targets, with the same ending, so that moving them is
    atomic. When the block raises, they are removed and the targets stay as they were.

    Raises:
        OSError: when the disk refuses (full, read-only), naming the file that could not be written.
    """
    temporary = [path.with_name(f".{os.getpid()}.part.{path.name}") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        for part, path in zip(temporary, paths, strict=True):
            part.stat()  # all parts are there ...
            if path.is_dir():  # ... and can go to their places, before the first one goes
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder")
        for part, path in zip(temporary, paths, strict=True):
            part.replace(path)
    except OSError as error:
        names = ", ".join(str(path) for path in paths)
        raise OSError(
            error.errno,
            f"could not write {names}: {error.strerror or error}. Free some space or pick a "
            "writable folder, then run the command again",
        ) from error
    finally:
        for part in temporary:
            part.unlink(missing_ok=True)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(content: bytes) -> str:
    """SHA-256 of bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def into_block(path: Path, name: str, content: str) -> None:
    """Put text between a file's two marks, `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        ValueError: when the marks are not there.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    text = path.read_text("utf-8")
    if not 0 <= text.find(begin) < text.find(end):
        raise ValueError(f"{path} lacks the lines {begin.strip()} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    with replacing(path) as (part,):
        part.write_text(f"{before}{begin}\n{content}\n\n{end}{after}", "utf-8")
