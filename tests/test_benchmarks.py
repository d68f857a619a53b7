"""The benchmarks run; how fast is not tested."""

from benchmarks import load, speed
from movierec import app
from tests import serving


def test_speed_on_a_tiny_size(capsys):
    speed.main(["--rows", "3000", "--runs", "1"])
    out = capsys.readouterr().out
    for measured in ("train ", "score ", "one user's 3700 films "):
        assert measured in out


def test_load_of_a_few_sessions(ml100k, capsys):
    dataset = app.load_library().data.name  # what the page finds, too
    with serving.serving("show_st2.py") as url:
        address = url.removeprefix("http://")
        options = ["--address", address, "--dataset", dataset, "--sessions", "3", "--changes", "2"]
        load.main(options)
    assert "3 sessions at once, 6 changes" in capsys.readouterr().out
