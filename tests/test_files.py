"""Files are written completely or not at all."""

import os
import subprocess
import sys

import pytest

from movierec import files
from movierec.errors import MovieRecError


def test_all_targets_are_replaced_together(tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "new" / "b.txt"
    with files.replacing(first, second) as parts:
        for part in parts:
            part.write_text("new")
        assert not first.exists()
    assert first.read_text() == second.read_text() == "new"
    assert sorted(p.name for p in tmp_path.rglob("*.txt")) == ["a.txt", "b.txt"]


def test_an_error_leaves_the_target_unchanged(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(KeyError), files.replacing(target) as (part,):
        part.write_text("half")
        raise KeyError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_no_target_is_replaced_if_one_of_them_is_a_folder(tmp_path):
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("old")
    second.mkdir()
    with pytest.raises(OSError, match="b.txt is a folder"), files.replacing(first, second) as parts:
        for part in parts:
            part.write_text("new")
    assert first.read_text() == "old"


@pytest.mark.skipif(os.name != "posix", reason="asks POSIX whether a process is running")
def test_what_a_killed_save_left_is_removed_by_the_next_one(tmp_path, caplog):
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    left, running = (tmp_path / f".{pid}.00.part.a.txt" for pid in (child.pid, os.getpid()))
    left.write_text("half")
    running.write_text("half")  # of a save in another thread
    with files.replacing(tmp_path / "a.txt") as (part,):
        part.write_text("new")
    assert sorted(path.name for path in tmp_path.iterdir()) == [running.name, "a.txt"]
    assert f"removed {left}, left by a save that was interrupted" in caplog.text


FILL = """
import resource, signal, sys
from pathlib import Path
from movierec import files
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with files.replacing(Path(sys.argv[1])) as (part,):
        part.write_bytes(bytes(5000))
except OSError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs the resource module of POSIX")
def test_a_full_disk_leaves_the_old_file_and_the_message_names_it(tmp_path):
    target = tmp_path / "a.bin"
    target.write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(target)], capture_output=True, text=True, check=True
    )
    assert f"could not write {target}" in done.stdout
    assert "Free some space" in done.stdout
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_text_between_two_marks_is_replaced():
    text = "a\n<!-- x -->\nold\n<!-- end of x -->\nb\n"
    for _ in range(2):
        text = files.with_block(text, "x", "new")
        assert text == "a\n<!-- x -->\n\nnew\n\n<!-- end of x -->\nb\n"
    with pytest.raises(MovieRecError, match="lacks the lines <!-- y -->"):
        files.with_block(text, "y", "new")
    with pytest.raises(MovieRecError, match="lacks the lines"):
        files.with_block("<!-- end of x -->\n<!-- x -->\n", "x", "new")
