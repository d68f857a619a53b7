"""Run the trials of a grid and collect them in a table, one row per trial.

A trial's row is written when the trial ends, so a killed search continues where it stopped. A
trial that fails leaves a row with its error.
"""

import dataclasses
import json
import logging
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from movierec import cluster, files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.tables import Dataset
from movierec.errors import quoted
from movierec.evaluation import results
from movierec.search import trial
from movierec.search.grids import Grid, GridError
from movierec.training.settings import Settings, TrainingError

# Memory of one trial on ML-1M (measured: 1.3 GiB at its peak), with some reserve.
TRIAL_GIB = 2.0
LOGGED = ("valid_logloss", "valid_auc", "valid_ndcg@10", "test_auc", "test_ndcg_original@10")

log = logging.getLogger("movierec")


def table_path(grid: Grid, dataset: str, root: Path = files.ROOT) -> Path:
    """Path of the grid's table for a data set."""
    return results.path(dataset, f"experiments/{grid.name}", root)


def read(path: Path) -> pd.DataFrame:
    """A table of trials; an empty one if the file does not exist.

    Raises:
        GridError: the file is not such a table.
    """
    if not path.exists():
        return pd.DataFrame(columns=["trial"])
    try:
        files.check_plain(path)
        table = pd.read_csv(path)
        fault = "" if {"trial", "seed", "error"} <= set(table) else f"it has {quoted(list(table))}"
    except (ValueError, OSError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a CSV file"
        table, fault = None, reason
    if fault:
        raise GridError(
            f"{path} is not a table of trials ({fault}): restore it with git, or delete it to run "
            "all its trials again"
        )
    return table


def _identity(grid: Grid, settings: Settings, seed: int, data: Dataset) -> str:
    """A trial's key: model, protocol, settings, seed, data and whether it scores test rows."""
    what = [grid.model, grid.protocol, dataclasses.asdict(settings), seed]
    what += [data.fingerprint, grid.test]
    return files.digest(json.dumps(what, sort_keys=True).encode())[:12]


def run(
    grid: Grid,
    data: Dataset,
    path: Path,
    jobs: int = 1,
    stale: str | None = None,
    address: str | None = None,
) -> pd.DataFrame:
    """Run the grid's trials that are not in the table yet.

    A failed trial is not run again; delete its row for that.
    A row is stale if the code that decides a trial's numbers, or a library, has changed since.

    Args:
        grid: the trials.
        data: the data set.
        path: the table. Rows of other trials stay in it.
        jobs: number of trials at a time, each in a process with its share of the cores.
        stale: what to do with stale rows: "keep" them or "rerun" their trials.
        address: a Ray cluster that runs the trials instead, see `cluster.results`.

    Returns:
        The grid's rows in the grid's order, one per trial: its settings, seed, metrics (see
        `trial.outcome_of`), seconds, error, and the origin: code, versions, data.

    Raises:
        GridError: before the first trial, if the grid or the table is invalid, if the data have no
            ratings, or if there are stale rows and `stale` is None; or a trial's process was
            killed.
        movierec.cluster.ClusterError: see `cluster.results`.
    """
    if data.scale.implicit:
        raise GridError(
            f"{data.name} has no ratings that say what was not liked, so trials cannot be compared"
        )
    trials = {}
    for change, seed in grid.trials():
        settings = dataclasses.replace(grid.base, **change)
        trials[_identity(grid, settings, seed, data)] = (settings, seed)
    origin = provenance.origin(trial.__name__, data.fingerprint)
    table = read(path)
    old = stale_rows(table[table["trial"].isin(trials)], origin)
    if len(old) and stale is None:
        raise GridError(
            f"{len(old)} of {len(trials)} trials in {path} are stale: {_changes(old, origin)}. "
            f"--stale keep takes them as they are, --stale rerun runs them again (they took "
            f"{old['seconds'].sum() / 60:.0f} minutes in all)"
        )
    done = set(table["trial"]) - (set(old["trial"]) if stale == "rerun" else set())
    waiting = {key: trials[key] for key in trials if key not in done}
    if waiting:
        split_by(data, grid.protocol)  # unusable data should fail before the processes start
    bar = tqdm(total=len(trials), initial=len(trials) - len(waiting), unit="trial", disable=None)
    with bar, logging_redirect_tqdm():
        outcomes = _outcomes if address is None else _cluster_outcomes
        where = jobs if address is None else address
        for key, outcome in outcomes(grid, data, waiting, where):
            settings, seed = waiting[key]
            row = {"trial": key, "protocol": grid.protocol, "model": grid.model, "seed": seed}
            row |= dataclasses.asdict(settings) | outcome | origin
            with files.locked(path.parent):  # another search may have added rows
                table = read(path)
                others, new = table[table["trial"] != key], pd.DataFrame([row])
                table = pd.concat([others, new], ignore_index=True) if len(others) else new
                results.write(table, path)
            bar.update()
            log.info(_line(row))
    table = read(path)  # rows of this run and of earlier ones have the same types
    order = {key: number for number, key in enumerate(trials)}
    rows = table[table["trial"].isin(order)]
    return rows.sort_values("trial", key=lambda keys: keys.map(order), ignore_index=True)


def stale_rows(rows: pd.DataFrame, origin: dict[str, str]) -> pd.DataFrame:
    """The rows whose origin differs from `origin`; a missing column counts as different."""
    columns = rows.reindex(columns=list(origin))
    return rows[(columns != pd.Series(origin)).any(axis=1)]


def _changes(rows: pd.DataFrame, origin: dict[str, str]) -> str:
    """How stale rows differ from `origin`, in words."""
    rows = rows.reindex(columns=list(origin)).astype(object).fillna("unknown")
    return "; ".join(
        f"{name} {' and '.join(sorted(set(rows[name]) - {now}))}, now {now}"
        for name, now in origin.items()
        if (rows[name] != now).any()
    )


def _line(row: dict) -> str:
    """The log message of a finished trial."""
    if row["error"]:
        return f"{row['trial']} failed: {row['error']}"
    values = [f"{name} {row[name]:.4f}" for name in LOGGED if pd.notna(row.get(name, np.nan))]
    return "  ".join([row["trial"], *values, f"{row['epochs_run']} epochs  {row['seconds']:.0f} s"])


def _outcomes(grid: Grid, data: Dataset, trials: dict, jobs: int) -> Iterator[tuple[str, dict]]:
    """Key and outcome of every trial, in the order in which they end."""
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
            "a trial's process was killed, perhaps because memory ran out. Finished trials are in "
            "the table: run the same command again, with a smaller --jobs"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _cluster_outcomes(
    grid: Grid, data: Dataset, trials: dict, address: str
) -> Iterator[tuple[str, dict]]:
    """`_outcomes` with a Ray cluster, one core per trial."""
    tasks = {
        key: (grid.model, settings, seed, grid.test) for key, (settings, seed) in trials.items()
    }
    start = data, grid.protocol, 1
    return cluster.results(address, trial.__name__, tasks, _trial, _start, start, memory=TRIAL_GIB)


_dataset: SplitDataset | None = None  # the data set of a worker process


def _start(data: Dataset, protocol: str, threads: int) -> None:
    """Prepare a worker: set its data and number of threads, and end it when its parent ends."""
    global _dataset
    import tensorflow as tf  # slow to import, and needed only in workers

    os.environ["LOKY_MAX_CPU_COUNT"] = str(threads)  # limits joblib.cpu_count in compiled code
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    if parent := multiprocessing.parent_process():  # Ray ends its workers itself
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    _dataset = split_by(data, protocol)


def _trial(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """One trial's outcome; an error is recorded in it."""
    import tensorflow as tf

    start = time.perf_counter()
    try:
        outcome = trial.outcome_of(_dataset, model, settings, seed, test) | {"error": ""}
    except (TrainingError, ValueError, MemoryError, tf.errors.OpError) as error:
        outcome = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    return outcome | {"seconds": round(time.perf_counter() - start, 1)}


def jobs_for(memory_gib: float | None = None) -> tuple[int, str]:
    """How many trials to run at a time, and why: one per core, as far as memory allows.

    A single trial does not use several cores fully (its matrix products are small), so one
    single-threaded trial per core is faster than one multi-threaded trial after another: by a
    tenth on two cores.

    Args:
        memory_gib: memory for all trials together; by default three quarters of the free memory,
            or one trial if the system does not report it.
    """
    if memory_gib is None:
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError):  # not on every system
            free = 0
        memory_gib = 0.75 * free / 2**30
    cores = os.cpu_count() or 1
    jobs = max(1, min(cores, int(memory_gib / TRIAL_GIB)))
    reason = (
        "one per core, because a single trial does not use several fully"
        if jobs == cores
        else f"a trial may need {TRIAL_GIB} GiB, and {memory_gib:.1f} GiB are known to be available"
    )
    return jobs, reason
