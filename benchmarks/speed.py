"""Speed of training, scoring and answering one user, on made-up rows of ML-1M's size.

`make bench` prints medians of several runs. Nothing is compared and nothing fails: machines
differ, and are shared.
"""

import argparse
import dataclasses
import os
import platform
import time
from collections.abc import Callable, Sequence

import keras
import numpy as np

from movierec import artefacts
from movierec.fitting import Rows, fit
from movierec.models import predictor
from movierec.preprocess import LIKED
from movierec.training import SETTINGS

FIELD_DIMS = (6041, 3, 8, 22, 3440, 3666, 19, 18, 16, 82, 11, 5, 13)
FILMS = 3700


def made_rows(count: int) -> Rows:
    """Random ids of ML-1M's cardinalities with random ratings."""
    rng = np.random.default_rng(0)
    ids = np.stack([rng.integers(0, size, count) for size in FIELD_DIMS], axis=1)
    ratings = rng.integers(1, 6, count)
    return Rows(ids.astype(np.int32), (ratings >= LIKED).astype(np.float32), ratings)


def median_seconds(action: Callable[[], object], runs: int) -> float:
    """Median duration of `runs` calls after one that does not count."""
    action()
    durations = []
    for _ in range(runs):
        start = time.perf_counter()
        action()
        durations.append(time.perf_counter() - start)
    return float(np.median(durations))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure AutoInt+ with the tuned setting."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="rows to train on and to score")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args(arguments)
    rows = made_rows(options.rows)
    settings = dataclasses.replace(SETTINGS["tuned"], epochs=options.runs + 1, patience=None)
    keras.utils.set_random_seed(0)
    model = settings.build("autointmlp", FIELD_DIMS)
    predict = predictor(model)
    few = Rows(rows.ids[:2], np.array([0, 1], np.float32))  # validating costs nothing
    history = fit(model, rows, few, settings)
    train = float(np.median([row["seconds"] for row in history[1:]]))
    score = median_seconds(lambda: predict(rows.ids), options.runs)
    one = median_seconds(lambda: predict(rows.ids[:FILMS]), 4 * options.runs)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {artefacts.versions()}")
    print(f"train {options.rows / train:,.0f} rows/s (first epoch {history[0]['seconds']:.1f} s, "
          f"median {train:.1f} s)")  # fmt: skip
    print(f"score {options.rows / score:,.0f} rows/s")
    print(f"one user's {FILMS} films {1000 * one:.1f} ms")


if __name__ == "__main__":
    main()
