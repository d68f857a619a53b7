"""Speed of training, scoring and recommending, compared with other libraries' AutoInt.

`make bench` builds an environment for each peer and prints medians and ratios. Every library runs
in a separate process. They take turns, so that other load on the machine affects all of them. No
speed is asserted, because machines differ and are shared.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd

from movierec import files

FOLDER = Path(__file__).parent
PEERS = ("deepctr", "deepctr_torch", "librecommender")
ACTIONS = ("train", "score", *["one"] * 5)
ENVIRONMENTS = FOLDER / ".envs"
RESULTS = FOLDER / "results.csv"


def answer(lines: IO[str]) -> dict:
    """The next line of JSON; other output of the library is ignored.

    Raises:
        EOFError: the process ended.
    """
    for line in lines:
        if line.startswith("{"):
            return json.loads(line)
    raise EOFError


class Library:
    """A library's process, which trains and scores on request.

    Args:
        name: the module in `benchmarks` that drives the library.
        python: an interpreter with the packages that this module imports.
        rows: number of rows to train on and to score.
        movies: number of movies to score for one user.
    """

    def __init__(self, name: str, python: Path, rows: int, movies: int):
        self.name = name.removeprefix("peers.")
        self.times: dict[str, list[dict]] = {action: [] for action in ACTIONS}
        self._process = subprocess.Popen(
            [python, "-m", f"benchmarks.{name}", str(rows), str(movies)],
            cwd=FOLDER.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            answer(self._process.stdout)
        except EOFError:
            self.close()
            raise

    def run(self, action: str) -> None:
        """Run `action` once and record its times."""
        self._process.stdin.write(f"{action}\n")
        self._process.stdin.flush()
        self.times[action].append(answer(self._process.stdout))

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def interpreter(name: str) -> Path:
    """The Python that `make bench` installs for a library."""
    return ENVIRONMENTS / name / "bin" / "python"


def started(names: Sequence[str], rows: int, movies: int) -> list[Library]:
    """This project's process and those of the named peers that are installed and start."""
    own = interpreter("ours")
    if not own.exists():
        print("ours is measured in the project's environment, which needs more memory")
        own = Path(sys.executable)
    first = Library("ours", own, 10, 10)  # lets Numba compile, once per machine
    for action in ("train", "score"):
        first.run(action)
    first.close()
    libraries = [Library("ours", own, rows, movies)]
    for name in names:
        try:
            libraries.append(Library(f"peers.{name}", interpreter(name), rows, movies))
        except (OSError, EOFError):
            print(f"{name} is not installed or does not start here: continuing without it")
    return libraries


def summary(library: Library, rows: int) -> dict:
    """A library's row of the table: medians without the first round, which warms up."""
    steady = {name: times[1:] for name, times in library.times.items()}
    steady["one"] = library.times["one"][ACTIONS.count("one") :]
    median = {name: np.median([t["seconds"] for t in times]) for name, times in steady.items()}
    cores = {
        name: np.median([t["cpu_seconds"] / t["seconds"] for t in times])
        for name, times in steady.items()
    }
    return {
        "library": library.name,
        "train_rows_per_second": round(rows / median["train"]),
        "score_rows_per_second": round(rows / median["score"]),
        "one_user_ms": round(1000 * median["one"], 1),
        "first_epoch_ratio": round(library.times["train"][0]["seconds"] / median["train"], 2),
        "train_cores": round(cores["train"], 2),
        "score_cores": round(cores["score"], 2),
        "peak_mib": round(max(t["peak_mib"] for ts in library.times.values() for t in ts)),
    }


def processor() -> str:
    """The processor's name and number of cores."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def ratios(table: Sequence[dict]) -> str:
    """This project (the first row) relative to the best peer; above 1 if this project is better."""
    ours, peers = table[0], table[1:]
    if not peers:
        return "train_ratio=nan score_ratio=nan latency_ratio=nan"
    train, score = (
        ours[name] / max(peer[name] for peer in peers)
        for name in ("train_rows_per_second", "score_rows_per_second")
    )
    latency = min(peer["one_user_ms"] for peer in peers) / ours["one_user_ms"]
    return f"train_ratio={train:.2f} score_ratio={score:.2f} latency_ratio={latency:.2f}"


def append(path: Path, table: Sequence[dict]) -> None:
    """Append rows to a CSV file, completely or not at all."""
    frame = pd.DataFrame(table)
    if path.exists():
        frame = pd.concat([pd.read_csv(path), frame])
    with files.replacing(path) as (part,):
        frame.to_csv(part, index=False)


def as_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown, with commas between thousands."""
    rows = [list(table), ["---"] * len(table.columns)]
    rows += [[v if isinstance(v, str) else f"{v:,}" for v in row] for row in table.to_numpy()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def write_block(path: Path, name: str, content: str) -> None:
    """Replace the block `name` of a Markdown file, see `files.with_block`."""
    text = files.with_block(path.read_text("utf-8"), name, content)
    with files.replacing(path) as (part,):
        part.write_text(text, "utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure AutoInt+ and its peers on ML-1M's sizes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=720_000, help="rows to train on and to score")
    parser.add_argument("--movies", type=int, default=3700, help="movies to score for one user")
    parser.add_argument("--runs", type=int, default=5, help="number of rounds after the first")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    libraries = started(options.peers, options.rows, options.movies)
    for _ in range(options.runs + 1):
        for action in ACTIONS:
            for library in libraries:
                library.run(action)
    table = [summary(library, options.rows) for library in libraries]
    for library in libraries:
        library.close()
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "python": platform.python_version(),
        "rows": options.rows,
        "movies": options.movies,
        "runs": options.runs,
    }
    append(options.results, [about | row for row in table])
    described = ", ".join(f"{name} {value}" for name, value in about.items())
    if options.results == RESULTS:
        text = f"{described}\n\n{as_markdown(pd.DataFrame(table))}\n\n`{ratios(table)}`"
        write_block(FOLDER / "README.md", "speed", text)
    print(described)
    print(pd.DataFrame(table).to_string(index=False))
    print(ratios(table))


if __name__ == "__main__":
    main()
