"""The benchmark runs; how fast is not tested."""

from benchmarks import speed


def test_it_runs_on_a_tiny_size(capsys):
    speed.main(["--rows", "3000", "--runs", "1"])
    out = capsys.readouterr().out
    for measured in ("train ", "score ", "one user's 3700 films "):
        assert measured in out
