"""Read and replace files safely, and compute their SHA-256."""

import contextlib
import errno
import hashlib
import logging
import os
import secrets
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

from movierec.errors import MovieRecError

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 2**30  # bytes of a file that is read, at most
LOCK_TIMEOUT = 60.0  # seconds; a lock is held only while files are written

log = logging.getLogger("movierec")


@contextlib.contextmanager
def replacing(*paths: Path) -> Iterator[list[Path]]:
    """Yield one temporary path per target; move them all into place if the block succeeds.

    Each temporary file is in its target's folder, so each move is atomic. Before the first of
    several moves an empty marker file is written: if the process dies between two moves,
    `finish_moves` makes the others. If the block raises, the temporary files are removed and the
    targets are unchanged. Temporary files that a killed process left are removed before the block.

    Raises:
        OSError: the disk is full or read-only; the message names the files that were not written.
    """
    prefix = f".{os.getpid()}.{secrets.token_hex(4)}"
    temporary = [_part(prefix, path) for path in paths]
    marker = _marker(prefix, paths[-1])
    try:
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
        finish_moves(*paths)
        _remove_leftovers(paths)
        yield temporary
        # Check every temporary file and every target before any file is moved.
        for part, path in zip(temporary, paths, strict=True):
            _to_disk(part)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, f"{path.name} is a folder")
        if len(paths) > 1:
            marker.touch()
        _move(prefix, paths)
    except OSError as error:
        raise _unwritable(error, *paths) from error
    finally:
        with contextlib.suppress(OSError):  # a read-only disk: the error above is the one to show
            if not marker.exists():
                for part in temporary:
                    part.unlink(missing_ok=True)


def write_table(table, path: Path) -> None:
    """Write a data frame to a .parquet or .csv file; for errors see `replacing`."""
    with replacing(path) as (part,):
        if path.suffix == ".parquet":
            table.to_parquet(part, index=False)
        else:
            table.to_csv(part, index=False)


def _unwritable(error: OSError, *paths: Path) -> OSError:
    """The error to show if files could not be written."""
    names = ", ".join(str(path) for path in paths)
    reason = error.strerror or str(error) or type(error).__name__
    return OSError(
        error.errno,
        f"could not write {names}: {reason}. Free some space or choose a "
        "writable folder, then run the command again",
    )


def finish_moves(*paths: Path) -> None:
    """Make the moves of `replacing` that a process left undone when it died.

    Args:
        *paths: the targets; more of them do no harm. The last one must be the same as in
            `replacing`.
    """
    for marker in paths[-1].parent.glob(_marker(".*", paths[-1]).name):
        prefix = marker.name.removesuffix(_marker("", paths[-1]).name)
        _move(prefix, paths)
        log.warning("finished an interrupted save of %s", paths[-1])


def _remove_leftovers(paths: Sequence[Path]) -> None:
    """Remove the temporary files of processes that died before they could move any of them."""
    for path in paths:
        for part in path.parent.glob(_part(".*", path).name):
            if not _is_running(part.name.split(".")[1]):
                part.unlink(missing_ok=True)
                log.warning("removed %s, left by a save that was interrupted", part)


def _is_running(process: str) -> bool:
    """Whether the process with this number exists; True if that cannot be found out."""
    if os.name != "posix" or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _part(prefix: str, path: Path) -> Path:
    return path.with_name(f"{prefix}.part.{path.name}")


def _marker(prefix: str, path: Path) -> Path:
    return path.with_name(f"{prefix}.moves.part.{path.name}")


def _move(prefix: str, paths: Sequence[Path]) -> None:
    """Move the temporary files that are there into place, and remove the marker."""
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # another process may finish the moves, too
            _part(prefix, path).replace(path)
    _marker(prefix, paths[-1]).unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def locked(folder: Path, name: str = "", timeout: float | None = None) -> Iterator[None]:
    """Hold a lock of the folder inside the block, so that processes work there one at a time.

    Args:
        folder: the folder, made if it is missing.
        name: which lock; without a name it is the one for writing.
        timeout: seconds to wait for it; by default `LOCK_TIMEOUT`.

    Raises:
        OSError: another process holds it for longer, or the folder is not writable.
    """
    import filelock  # not installed where only encoded rows are trained on

    path = folder / (f".{name}.lock" if name else ".lock")
    lock = filelock.FileLock(path, timeout=LOCK_TIMEOUT if timeout is None else timeout)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout as error:
        what = f"training {name}" if name else "writing"
        raise TimeoutError(
            errno.ETIMEDOUT,
            f"another process is {what} in {folder}: wait for it to end, then run the command "
            "again",
        ) from error
    except OSError as error:
        raise _unwritable(error, path) from error
    try:
        yield
    finally:
        lock.release()


def check_plain(path: Path, limit: int = LIMIT) -> os.stat_result:
    """The status of a plain file (no folder, pipe or device) of at most `limit` bytes.

    Raises:
        OSError: it is not one, or there is no such file; `strerror` is the reason.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is a folder, pipe or device, not a file", str(path))
    if status.st_size > limit:
        reason = f"it has {status.st_size:,} bytes, at most {limit:,} were expected"
        raise OSError(errno.EFBIG, reason, str(path))
    return status


def read(path: Path, limit: int = LIMIT) -> bytes:
    """The content of a plain file of at most `limit` bytes.

    Raises:
        OSError: see `check_plain`; or the file was changed while it was read.
    """
    before = check_plain(path, limit)
    with path.open("rb") as file:
        content = file.read(limit + 1)
        after = os.fstat(file.fileno())
    if (len(content), after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise OSError(errno.EAGAIN, "it was changed while it was read", str(path))
    return content


def sha256(path: Path) -> str:
    """SHA-256 of a plain file, as 64 hexadecimal digits.

    Raises:
        OSError: see `check_plain`.
    """
    check_plain(path)
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
        raise MovieRecError(
            f"the text lacks the lines {begin.strip()} and {end}: add both where the block belongs"
        )
    before, after = text.split(begin)[0], text.split(end)[1]
    return f"{before}{begin}\n{content}\n\n{end}{after}"
