"""Speed of training, scoring and answering one user, beside other libraries' AutoInt.

`make bench` builds an environment for each peer and prints medians and ratios. Every contender is
a process of its own; they take turns, so that a busy machine is busy for all of them. Nothing
fails when we are slower: machines differ, and are shared.
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
    """The next line of JSON; what else a library printed is passed over.

    Raises:
        EOFError: the process ended.
    """
    for line in lines:
        if line.startswith("{"):
            return json.loads(line)
    raise EOFError


class Contender:
    """A process that trains and scores when it is told to.

    Args:
        name: module of the driver, within `benchmarks`.
        python: the interpreter that has what the driver imports.
        rows, films: how many it trains on and scores, and scores for one user.
    """

    def __init__(self, name: str, python: Path, rows: int, films: int):
        self.name = name.removeprefix("peers.")
        self.times: dict[str, list[dict]] = {action: [] for action in ACTIONS}
        self._process = subprocess.Popen(
            [python, "-m", f"benchmarks.{name}", str(rows), str(films)],
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
        """Do `action` once and note how long it took."""
        self._process.stdin.write(f"{action}\n")
        self._process.stdin.flush()
        self.times[action].append(answer(self._process.stdout))

    def close(self) -> None:
        """End the process."""
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


def interpreter(name: str) -> Path:
    """Where `make bench` puts a contender's Python."""
    return ENVIRONMENTS / name / "bin" / "python"


def entered(names: Sequence[str], rows: int, films: int) -> list[Contender]:
    """Ours and those of the named peers whose environment is there and works."""
    own = interpreter("ours")
    if not own.exists():
        print("ours has no environment of its own: with all of the project's it takes more memory")
        own = Path(sys.executable)
    first = Contender("ours", own, 10, 10)  # Numba compiles once a machine, and keeps the result
    for action in ("train", "score"):
        first.run(action)
    first.close()
    contenders = [Contender("ours", own, rows, films)]
    for name in names:
        try:
            contenders.append(Contender(f"peers.{name}", interpreter(name), rows, films))
        except (OSError, EOFError):
            print(f"{name} is not installed or does not start here: going on without it")
    return contenders


def summary(contender: Contender, rows: int) -> dict:
    """Medians without the first round, which traces and warms up, as a row of the table."""
    steady = {name: times[1:] for name, times in contender.times.items()}
    steady["one"] = contender.times["one"][ACTIONS.count("one") :]
    median = {name: np.median([t["seconds"] for t in times]) for name, times in steady.items()}
    cores = {
        name: np.median([t["cpu_seconds"] / t["seconds"] for t in times])
        for name, times in steady.items()
    }
    return {
        "contender": contender.name,
        "train_rows_per_second": round(rows / median["train"]),
        "score_rows_per_second": round(rows / median["score"]),
        "one_user_ms": round(1000 * median["one"], 1),
        "first_epoch_ratio": round(contender.times["train"][0]["seconds"] / median["train"], 2),
        "train_cores": round(cores["train"], 2),
        "score_cores": round(cores["score"], 2),
        "peak_mib": round(max(t["peak_mib"] for ts in contender.times.values() for t in ts)),
    }


def processor() -> str:
    """The processor's name as the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} cores"


def ratios(table: Sequence[dict]) -> str:
    """Ours (the first row) against the best of the others, above 1 where ours is better."""
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
    """Add rows to a CSV file, which is there whole before and after."""
    frame = pd.DataFrame(table)
    if path.exists():
        frame = pd.concat([pd.read_csv(path), frame])
    with files.replacing(path) as (part,):
        frame.to_csv(part, index=False)


def as_markdown(table: pd.DataFrame) -> str:
    """The table in Markdown, numbers with a comma for thousands."""
    rows = [list(table), ["---"] * len(table.columns)]
    rows += [[v if isinstance(v, str) else f"{v:,}" for v in row] for row in table.to_numpy()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure AutoInt+ and its peers with the paper's sizes."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=720_000, help="rows to train on and to score")
    parser.add_argument("--films", type=int, default=3700, help="films of one user")
    parser.add_argument("--runs", type=int, default=5, help="rounds after the first")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args(arguments)
    contenders = entered(options.peers, options.rows, options.films)
    for _ in range(options.runs + 1):
        for action in ACTIONS:
            for contender in contenders:
                contender.run(action)
    table = [summary(contender, options.rows) for contender in contenders]
    for contender in contenders:
        contender.close()
    about = {
        "date": datetime.date.today().isoformat(),
        "machine": processor(),
        "python": platform.python_version(),
        "rows": options.rows,
        "films": options.films,
        "runs": options.runs,
    }
    append(options.results, [about | row for row in table])
    described = ", ".join(f"{name} {value}" for name, value in about.items())
    if options.results == RESULTS:
        text = f"{described}\n\n{as_markdown(pd.DataFrame(table))}\n\n`{ratios(table)}`"
        files.into_block(FOLDER / "README.md", "speed", text)
    print(described)
    print(pd.DataFrame(table).to_string(index=False))
    print(ratios(table))


if __name__ == "__main__":
    main()
