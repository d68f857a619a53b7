"""Replace files safely, and compute their SHA-256."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from movierec.errors import MovieRecError

ROOT = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Yield one temporary path per target; move them all into place if the block succeeds.

    Each temporary file is in its target's folder, so each move is atomic; the files are moved one
    after the other. If the block raises, the temporary files are removed and the targets are
    unchanged.

    Raises:
        OSError: the disk is full or read-only; the message names the files that were not written.
    """
    temporary = [path.with_name(f".{os.getpid()}.part.{path.name}") for path in paths]
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        # Check every temporary file and every target before any file is moved.
        for part, path in zip(temporary, paths, strict=True):
            part.stat()
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder")
        for part, path in zip(temporary, paths, strict=True):
            part.replace(path)
    except OSError as error:
        names = ", ".join(str(path) for path in paths)
        raise OSError(
            error.errno,
            f"could not write {names}: {error.strerror or error}. Free some space or choose a "
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


def with_block(text: str, name: str, content: str) -> str:
    """`text` with `content` between its two marks, `<!-- name -->` and `<!-- end of name -->`.

    Raises:
        MovieRecError: the marks are missing.
    """
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    if not 0 <= text.find(begin) < text.find(end):
        raise MovieRecError(f"the text lacks the lines {begin.strip()} and {end}")
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n{content}\n\n{end}{after}"
