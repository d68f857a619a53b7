"""Run the trials of a grid: a grid in, a table out, one row a trial, resumable.

`python -m movierec.experiments --grid original` runs the course project's eight combinations,
`--grid wide` one change at a time around the tuned setting. A trial's row is written when it
ends, so a killed search goes on where it stopped; a trial that fails leaves a row with its error.
"""

import argparse
import contextlib
import dataclasses
import io
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from movierec import (
    artefacts,
    baselines,
    catalogue,
    datasets,
    files,
    metrics,
    quality,
    tables,
    training,
)
from movierec.baselines import Known
from movierec.datasets import MovieLens
from movierec.grids import GRIDS, Grid, GridError
from movierec.prepared import Prepared, prepare
from movierec.settings import Settings, TrainingError

# What one trial was seen to need on ML-1M (peak of its process 1.3 GiB), with room to spare.
TRIAL_GIB = 2.0
SAID = ("valid_logloss", "valid_auc", "valid_ndcg", "test_auc", "test_ndcg_original", "test_ndcg")
MODULES = (
    "encoding fitting fm gradients kernel losses metrics prepared preprocess rows scoring settings "
    "splits trained training"
).split()
CODE = ["autoint.py", "autointmlp.py", *(f"movierec/{name}.py" for name in MODULES)]


def table_path(grid: Grid, dataset: str, root: Path = artefacts.ROOT) -> Path:
    """Where the grid's table of that data set stands."""
    return artefacts.place(dataset, root=root).folder / "experiments" / f"{grid.name}.csv"


def read(path: Path) -> pd.DataFrame:
    """The table as written, or an empty one.

    Raises:
        GridError: when the file is not such a table.
    """
    if not path.exists():
        return pd.DataFrame(columns=["trial"])
    try:
        table = pd.read_csv(path)
        if not {"trial", "seed", "error"} <= set(table):
            raise ValueError(f"it has the columns {', '.join(table)}")
    except (ValueError, OSError) as error:
        raise GridError(
            f"{path} is no table of trials ({error}): restore it with git, or delete it to run "
            "all its trials again"
        ) from error
    return table


def code_hash() -> str:
    """One hash over the source files that decide a trial's numbers."""
    contents = [(artefacts.ROOT / name).read_bytes() for name in CODE]
    return files.digest(b"".join(contents))[:12]


def _identity(grid: Grid, settings: Settings, seed: int, data: MovieLens) -> str:
    """A trial's key: the same settings, seed and data are the same trial."""
    what = [grid.model, grid.protocol, dataclasses.asdict(settings), seed]
    what += [data.fingerprint, grid.test]
    return files.digest(json.dumps(what, sort_keys=True).encode())[:12]


def run(grid: Grid, data: MovieLens, path: Path, jobs: int = 1) -> pd.DataFrame:
    """Run the trials that the table does not hold yet; the grid's rows, in the grid's order.

    Args:
        grid: what to try.
        data: what to train on.
        path: the table. It may hold other rows too: they stay.
        jobs: trials side by side, each in a process with its share of the cores.

    Returns:
        One row a trial: its settings, seed, metrics of the best epoch on validation rows (and on
        test rows, where the grid says so, with the gain of NDCG@10 over the movie mean), epochs,
        seconds, error, hashes and versions.

    Raises:
        GridError: before the first trial, when the grid or the table is not in order, or when a
            worker process was killed.
    """
    trials = {}
    for change, seed in grid.trials():
        settings = dataclasses.replace(grid.base, **change)
        trials[_identity(grid, settings, seed, data)] = (settings, seed)
    table = read(path)
    code = code_hash()
    kept = table[table["trial"].isin(trials)]
    if len(kept) and (kept["code"] != code).any():
        tqdm.write(
            f"{(kept['code'] != code).sum()} trials of {path.name} were run by other code than "
            "today's and are kept; delete the file to run them again"
        )
    waiting = {key: trial for key, trial in trials.items() if key not in set(table["trial"])}
    if waiting:
        prepare(
            data, protocol=grid.protocol
        )  # data too small to split is better met before the processes start
    with tqdm(total=len(trials), initial=len(kept), unit="trial", disable=None) as bar:
        for key, outcome in _outcomes(grid, data, waiting, jobs):
            settings, seed = waiting[key]
            row = {"trial": key, "protocol": grid.protocol, "model": grid.model, "seed": seed}
            row |= dataclasses.asdict(settings)
            row |= outcome | {"code": code, "data": data.fingerprint["ratings"][:12]}
            row |= artefacts.versions()
            new = pd.DataFrame([row])
            table = pd.concat([table, new], ignore_index=True) if len(table) else new
            with files.replacing(path) as (part,):
                table.to_csv(part, index=False, lineterminator="\n")
            bar.update()
            tqdm.write(_line(row))
    table = read(path)  # so that a row is the same whether just made or from an earlier run
    order = {key: number for number, key in enumerate(trials)}
    mine = table[table["trial"].isin(order)]
    return mine.sort_values("trial", key=lambda keys: keys.map(order), ignore_index=True)


def _line(row: dict) -> str:
    if row["error"]:
        return f"{row['trial']} failed: {row['error']}"
    said = [f"{name} {row[name]:.4f}" for name in SAID if pd.notna(row.get(name, np.nan))]
    return "  ".join([row["trial"], *said, f"{row['epochs_run']} epochs  {row['seconds']:.0f} s"])


def _outcomes(grid: Grid, data: MovieLens, trials: dict, jobs: int) -> Iterator[tuple[str, dict]]:
    """Key and outcome of every trial, as they end."""
    if not trials:
        return
    jobs = max(1, min(jobs, len(trials)))
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    pool = ProcessPoolExecutor(
        jobs, context, initializer=_start, initargs=(data, grid.protocol, threads)
    )
    futures: dict[Future, str] = {
        pool.submit(_trial, grid.model, settings, seed, grid.test): key
        for key, (settings, seed) in trials.items()
    }
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise GridError(
            "a trial's process was killed, perhaps for want of memory. Finished trials are in "
            "the table: run the same command again, with a smaller --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_prepared: Prepared | None = None  # of a worker process


def _start(data: MovieLens, protocol: str, threads: int) -> None:
    """Make a worker ready: its data, its share of the cores, and an end when its parent ends."""
    global _prepared
    import tensorflow as tf  # it takes seconds: only workers import it

    os.environ["LOKY_MAX_CPU_COUNT"] = str(threads)  # joblib.cpu_count, which compiled code asks
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    _prepared = prepare(data, protocol=protocol)


def _trial(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """One trial's outcome; an error becomes part of it."""
    import tensorflow as tf

    start = time.perf_counter()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = _fitted(model, settings, seed, test) | {"error": ""}
    except (TrainingError, ValueError, MemoryError, tf.errors.OpError) as error:
        outcome = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    return outcome | {"seconds": round(time.perf_counter() - start, 1)}


def _fitted(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """Train and score: validation metrics where validation rows are left, test metrics if asked.

    The movie mean that the test rows are compared with learns from the rows that the trial does.
    """
    from movierec import fitting, models

    network, prepared, history = training.fitted(_prepared, model, settings, seed)
    predict = models.predictor(network)
    outcome = {"epochs_run": len(history), "parameters": network.count_params()}
    best = history[(fitting.best_epoch(history) if settings.patience is not None else 0) - 1]
    outcome |= {name: best[name] for name in ("valid_logloss", "valid_auc") if name in best}
    if prepared.protocol.whole_catalogue and not settings.refit:
        outcome["valid_ndcg"] = _catalogue_ndcg(predict, prepared)
    if not test:
        return outcome
    if prepared.protocol.whole_catalogue:
        values, gain = quality.of_predictor(predict, prepared), {}
    else:
        scores = predict(prepared.ids[prepared.split.test])
        values = quality.of_rows(prepared, prepared.split.test, scores)
        gain = _gain(scores, prepared, settings)
    return outcome | {f"test_{name}": value for name, value in quality.flat(values).items()} | gain


def _catalogue_ndcg(predict: Callable[[np.ndarray], np.ndarray], prepared: Prepared) -> float:
    """NDCG@10 of every fourth validation film among all that its user has not rated."""
    split = prepared.split
    scores_of = catalogue.of_predictor(predict, prepared)
    found, _ = catalogue.ranks(prepared, split.valid[::4], split.train, scores_of, 0)
    return float(metrics.one_relevant(found)["ndcg"].mean())


def _gain(scores: np.ndarray, prepared: Prepared, settings: Settings) -> dict[str, float]:
    """NDCG@10 (the original's) less that of the movie mean of the same rows, with its interval."""
    split = prepared.split
    known = Known.of(prepared, split.known if settings.refit else split.train)
    means = baselines.movie_mean(known).pairs(
        prepared.user_places[split.test], prepared.movies[split.test]
    )
    users, labels = prepared.users[split.test], prepared.labels[split.test]
    ours, theirs = (
        metrics.per_user(users, labels, said)["ndcg_original"] for said in (scores, means)
    )
    gain = metrics.bootstrap_difference(ours, theirs)
    return dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))


def jobs_for(memory_gib: float | None = None) -> int:
    """How many trials to run side by side: one a core, as far as memory goes; prints why.

    One trial does not keep several cores busy (its matrix products are small), so as many
    one-thread trials as there are cores finish sooner than one many-threaded trial after another:
    by a tenth on two cores.

    Args:
        memory_gib: what all trials together may use; three quarters of what is free by default (one
            trial at a time where the system does not tell).
    """
    if memory_gib is None:
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError):  # not every system tells
            free = 0
        memory_gib = 0.75 * free / 2**30
    cores = os.cpu_count() or 1
    jobs = max(1, min(cores, int(memory_gib / TRIAL_GIB)))
    reason = (
        "one a core, as one trial alone does not keep several busy"
        if jobs == cores
        else f"a trial may need {TRIAL_GIB} GiB, and {memory_gib:.1f} are known to be free for all"
    )
    print(f"trials side by side: {jobs} ({reason})")
    return jobs


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a grid of trials, or go on with one; the table is written after every trial."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--grid", choices=GRIDS, required=True)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    parser.add_argument("--jobs", type=int, help="trials side by side (default: one a core)")
    parser.add_argument("--memory", type=float, help="GiB that all trials together may use")
    options = parser.parse_args(arguments)
    grid = GRIDS[options.grid]
    path = table_path(grid, options.dataset)
    jobs = jobs_for(options.memory) if options.jobs is None else options.jobs
    try:
        table = run(grid, datasets.load(options.dataset), path, jobs)
        if grid.name in tables.SEED_GRIDS and options.dataset == "ml-1m":
            tables.seeds_into_readmes()
    except (datasets.DataError, TrainingError, GridError, OSError) as error:
        parser.exit(1, f"{error}\n")
    failed = table["error"].notna().sum()
    print(f"{len(table)} trials, {failed} failed; {path}")


if __name__ == "__main__":
    main()
