"""Synthetic rows, and the protocol between a library's process and `benchmarks.speed`.

The parent writes the name of an action on a line. The process runs it and answers with one line of
JSON: wall seconds, CPU seconds, and its peak memory so far in MiB. This module needs only NumPy,
because every library is installed in a separate environment.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np

# MovieLens 1M's fields, each with an unknown id: user_id, gender, age, occupation, zipcode,
# movie_id, genre1 to 3, release year and decade, rating year and month
FIELD_DIMS = (6041, 3, 8, 22, 3440, 3666, 19, 18, 16, 82, 11, 5, 13)
MOVIE_FIELDS = slice(5, 11)
BATCH = 2048


def random_rows(
    count: int, field_dims: tuple[int, ...] = FIELD_DIMS
) -> tuple[np.ndarray, np.ndarray]:
    """Random ids, int32 (count, fields), and random ratings from 1 to 5, (count,)."""
    rng = np.random.default_rng(0)
    ids = np.empty((count, len(field_dims)), np.int32)
    for column, size in zip(ids.T, field_dims, strict=True):
        column[:] = rng.integers(0, size, count, dtype=np.int32)
    return ids, rng.integers(1, 6, count)


def one_user(movies: int) -> np.ndarray:
    """Rows of one user at one time with each of `movies` movies, int32 (movies, 13)."""
    ids, _ = random_rows(movies)
    others = np.delete(np.arange(len(FIELD_DIMS)), MOVIE_FIELDS)
    ids[:, others] = ids[0, others]
    return ids


def by_field(ids: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of ids (rows, 13) by field name, the input format of both deepctr libraries."""
    return {f"field_{number}": column.copy() for number, column in enumerate(ids.T)}


def sizes() -> argparse.Namespace:
    """The command line: rows to train on and to score, and movies to score for one user."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("movies", type=int)
    return parser.parse_args()


def serve(actions: Mapping[str, Callable[[], object]]) -> None:
    """Run the actions named on standard input, one per line, until it ends.

    The libraries' own output goes to standard error, so standard output has only the answers.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("{}", file=answers, flush=True)  # ready
    for line in sys.stdin:
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        actions[line.strip()]()
        seconds = time.perf_counter() - start
        after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        answer = {"seconds": seconds, "cpu_seconds": cpu, "peak_mib": after.ru_maxrss / 1024}
        print(json.dumps(answer), file=answers, flush=True)
