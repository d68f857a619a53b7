"""What each contender's process shares: made-up rows, and how it talks to `benchmarks.speed`.

The parent writes the name of an action on a line; the process runs it and answers with one line
of JSON: wall seconds, CPU seconds, and the peak of its memory so far in MiB. Only NumPy is needed
here, because every contender has an environment of its own.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping

import numpy as np

# user_id, gender, age, occupation, zipcode, movie_id, genre1 to 3, release year and decade,
# rating year and month: MovieLens 1M's, with an unknown value each
FIELD_DIMS = (6041, 3, 8, 22, 3440, 3666, 19, 18, 16, 82, 11, 5, 13)
FILM_FIELDS = slice(5, 11)
BATCH = 2048


def made_rows(
    count: int, field_dims: tuple[int, ...] = FIELD_DIMS
) -> tuple[np.ndarray, np.ndarray]:
    """Random ids, int32 (count, fields), and random ratings from 1 to 5, (count,)."""
    rng = np.random.default_rng(0)
    ids = np.empty((count, len(field_dims)), np.int32)
    for column, size in zip(ids.T, field_dims, strict=True):
        column[:] = rng.integers(0, size, count, dtype=np.int32)
    return ids, rng.integers(1, 6, count)


def one_user(films: int) -> np.ndarray:
    """Rows of one user and one time with as many films, int32 (films, 13)."""
    ids, _ = made_rows(films)
    others = np.delete(np.arange(len(FIELD_DIMS)), FILM_FIELDS)
    ids[:, others] = ids[0, others]
    return ids


def by_field(ids: np.ndarray) -> dict[str, np.ndarray]:
    """The columns of ids (rows, 13) under names, as deepctr's two libraries take them."""
    return {f"field_{number}": column.copy() for number, column in enumerate(ids.T)}


def sizes() -> argparse.Namespace:
    """The process's arguments: `rows` to train on and to score, `films` of one user."""
    parser = argparse.ArgumentParser()
    parser.add_argument("rows", type=int)
    parser.add_argument("films", type=int)
    return parser.parse_args()


def serve(actions: Mapping[str, Callable[[], object]]) -> None:
    """Run the actions that standard input names, one a line, until it ends.

    What the libraries print goes to standard error, so that answers stand alone.
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
