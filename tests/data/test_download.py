"""Downloads: mirrors, hashes, time-outs, and no file that only looks complete."""

import dataclasses
import http.server
import io
import subprocess
import sys
import threading
import urllib.parse
import zipfile
from pathlib import Path

import pytest

from movierec import files
from movierec.data import download, features, movielens
from movierec.data.download import NotFoundError, first_available
from movierec.data.raw_readers import DataError
from tests.conftest import MOVIES, RATINGS, USERS, write_ml1m


def archive_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, lines in (("users", USERS), ("movies", MOVIES), ("ratings", RATINGS)):
            text = "".join(line + "\n" for line in lines)
            archive.writestr(f"ml-1m/{name}.dat", text.encode("latin-1"))
    return buffer.getvalue()


@pytest.fixture
def server():
    """A local web server; `.answers` maps a path to status, body and declared length."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body, length = self.server.answers.get(self.path, (404, b"", 0))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
            self.server.reached.set()
            self.server.release.wait(30)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.answers, running.url = {}, f"http://127.0.0.1:{running.server_port}"
        running.reached, running.release = threading.Event(), threading.Event()
        running.release.set()
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def layout(monkeypatch, server):
    """Set the mirrors of ML-1M, whose official archive is `archive_bytes()` in these tests."""
    content = archive_bytes()
    server.answers["/whole.zip"] = (200, content, len(content))
    server.answers["/cut.zip"] = (200, content[:100], len(content))
    server.answers["/other.zip"] = (200, b"not it", 6)
    official = download.LAYOUTS["ml-1m"][0]

    def use(*paths):
        urls = tuple(urllib.parse.urljoin(server.url, path) for path in paths)
        changed = dataclasses.replace(official, sha256=files.digest(content), urls=urls)
        monkeypatch.setitem(download.LAYOUTS, "ml-1m", (changed,))

    return use


def test_the_second_mirror_is_tried_if_the_first_fails(layout, tmp_path):
    layout("/gone.zip", "/whole.zip")
    data = movielens.load("ml-1m", tmp_path)
    assert (len(data.ratings), data.source) == (6, "ml-1m.zip")
    again = movielens.load("ml-1m", tmp_path, fetch=False)
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("path", ["/cut.zip", "/other.zip", "/gone.zip"])
def test_a_failed_download_leaves_no_file_and_the_error_has_instructions(
    layout, tmp_path, server, path
):
    layout(path)
    with pytest.raises(NotFoundError) as error:
        movielens.load("ml-1m", tmp_path)
    message = str(error.value)
    assert f"ml-1m is not in {tmp_path / 'ml-1m'}" in message
    assert f"{server.url}{path}: " in message
    assert "put ml-1m.zip (or its files users.dat, movies.dat, ratings.dat) into" in message
    assert list((tmp_path / "ml-1m").iterdir()) == []


def test_a_server_that_does_not_answer_times_out(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    with http.server.HTTPServer(("127.0.0.1", 0), None) as silent:  # listens, never answers
        layout(f"http://127.0.0.1:{silent.server_port}/a.zip")
        with pytest.raises(NotFoundError, match="timed out"):
            movielens.load("ml-1m", tmp_path)


KILLED = """
import dataclasses, sys
from pathlib import Path
from movierec.data import download, movielens
official = download.LAYOUTS["ml-1m"][0]
changed = dataclasses.replace(official, urls=(sys.argv[1],))
download.LAYOUTS["ml-1m"] = (changed,)
movielens.load("ml-1m", Path(sys.argv[2]))
"""


def test_a_killed_download_leaves_no_archive(server, tmp_path):
    server.answers["/ml-1m.zip"] = (200, b"x" * 1000, 1_000_000)
    server.release.clear()
    command = [sys.executable, "-c", KILLED, server.url + "/ml-1m.zip", str(tmp_path)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert server.reached.wait(60)
    child.kill()
    child.wait()
    server.release.set()
    assert not (tmp_path / "ml-1m" / "ml-1m.zip").exists()
    with pytest.raises(NotFoundError):
        movielens.load("ml-1m", tmp_path, fetch=False)


def test_a_damaged_archive_is_refused(tmp_path):
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ml-1m.zip").write_bytes(archive_bytes())
    with pytest.raises(DataError, match=r"damaged or another release: its SHA-256 is .* Delete it"):
        movielens.load("ml-1m", tmp_path)


@pytest.fixture
def fake_pip(monkeypatch):
    """Replace `pip download` by a function; GroupLens cannot be reached."""
    plain = dataclasses.replace(download.LAYOUTS["ml-100k"][0], urls=())
    official = dataclasses.replace(plain, urls=("http://127.0.0.1:9/ml-100k.zip",))
    monkeypatch.setitem(download.LAYOUTS, "ml-100k", (official, download.LAYOUTS["ml-100k"][1]))

    def use(action):
        monkeypatch.setattr(download.subprocess, "run", action)

    return use


def test_without_a_network_every_failure_is_listed(fake_pip, tmp_path):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: no index reachable")

    fake_pip(fail)
    with pytest.raises(NotFoundError) as error:
        movielens.load("ml-100k", tmp_path)
    for part in ("127.0.0.1:9", "pip download recbole==1.2.1: ERROR: no index", "by hand"):
        assert part in str(error.value)


def test_another_wheel_is_refused(fake_pip, tmp_path):
    def other(command, **_):
        folder = Path(command[command.index("--dest") + 1])
        (folder / "recbole-1.2.1-py3-none-any.whl").write_bytes(b"other")

    fake_pip(other)
    with pytest.raises(NotFoundError, match=r"SHA-256 is .*, expected 9c99"):
        movielens.load("ml-100k", tmp_path)
    assert list((tmp_path / "ml-100k").iterdir()) == []


def test_the_first_available_data_set_is_loaded_with_a_warning(tmp_path, caplog):
    write_ml1m(tmp_path)

    def load(name):
        return movielens.load(name, tmp_path, fetch=False)

    assert first_available(["ml-1m", "ml-100k"], load).name == "ml-1m"
    assert not [record for record in caplog.records if "Continuing" in record.message]
    assert first_available(["ml-100k", "ml-1m"], load).name == "ml-1m"
    assert "ml-100k is not in" in caplog.text
    assert "Continuing without ml-100k." in caplog.text
    with pytest.raises(NotFoundError, match="To add it by hand: download https://"):
        first_available(["ml-100k"], load)


@pytest.mark.parametrize(
    "names",
    [
        ["ml-latest-small.zip"],
        ["items.csv", "ratings.csv"],
        ["ratings.csv"],
        ["ml-1m/ratings.dat", "ml-1m/users.dat"],
        ["ratings.dat.gz"],
        ["RATINGS.DAT"],
        [f"{letter}.txt" for letter in "abcdefg"],
    ],
)
def test_a_folder_with_other_files_is_not_skipped(tmp_path, names):
    for name in names:
        (path := tmp_path / "ml-1m" / name).parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(DataError) as error:
        movielens.load("ml-1m", tmp_path)
    assert not isinstance(error.value, NotFoundError)
    first = names[0].split("/")[0] + "/" * ("/" in names[0])
    assert f"{tmp_path / 'ml-1m'} has '{first}'" in str(error.value)
    assert "expected ml-1m.zip, or its files users.dat, movies.dat, ratings" in str(error.value)
    assert ("'e.txt' and 2 more" in str(error.value)) == (len(names) > 5)


def test_a_broken_link_is_not_skipped(tmp_path):
    (tmp_path / "ml-1m").mkdir()
    (tmp_path / "ml-1m" / "ml-1m.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="has 'ml-1m.zip', expected ml-1m.zip, or its files"):
        movielens.load("ml-1m", tmp_path, fetch=False)


def test_notes_and_preprocessed_tables_are_not_other_files(tmp_path, made):
    folder = tmp_path / "ml-1m"
    for ending in ("csv", "parquet"):
        features.write(made.users, made.movies, made.ratings, folder, ending)
    for name in ("README.txt", "PROVENANCE.md", ".DS_Store", "tmpab12_xyz"):
        (folder / name).touch()
    with pytest.raises(NotFoundError):
        movielens.load("ml-1m", tmp_path, fetch=False)


def test_a_damaged_data_set_is_not_skipped(tmp_path):
    """The next data set replaces a missing one, not one that can be repaired."""
    write_ml1m(tmp_path, ratings=["1::1::9::978300760"])
    with pytest.raises(DataError, match="rating is '9'"):
        first_available(["ml-1m", "ml-100k"], lambda name: movielens.load(name, tmp_path, False))


def test_an_archive_with_a_huge_or_damaged_file_is_refused(tmp_path, monkeypatch):
    archive = tmp_path / "latest" / "ml-latest.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("ml-latest/movies.csv", "movieId,title,genres\n1,A (1999),Drama\n")
        file.writestr("ml-latest/ratings.csv", bytes(10_000))
    monkeypatch.setattr(files, "LIMIT", 2**13)
    with pytest.raises(DataError, match="has a file of more than 0.0078125 MiB: download it again"):
        movielens.load("latest", tmp_path, fetch=False)
    monkeypatch.undo()
    content = bytearray(archive.read_bytes())
    for position in range(60, 90):
        content[position] ^= 0x5A
    archive.write_bytes(content)
    with pytest.raises(DataError, match="is damaged or lacks one of"):
        movielens.load("latest", tmp_path, fetch=False)
