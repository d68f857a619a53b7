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

from movierec import files
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.movielens import MovieLens
from movierec.data.schema import USER
from movierec.evaluation import baselines, full_ranking, metrics, summary, tables
from movierec.evaluation.baselines import Interactions
from movierec.models import artifacts
from movierec.models.scorer import Predictor, predictor
from movierec.search.grids import Grid, GridError
from movierec.training.settings import Settings, TrainingError
from movierec.training.train import fitted

# Memory of one trial on ML-1M (measured: 1.3 GiB at its peak), with some reserve.
TRIAL_GIB = 2.0
LOGGED = ("valid_logloss", "valid_auc", "valid_ndcg", "test_auc", "test_ndcg_original", "test_ndcg")
CODE = ("autoint.py", "autointmlp.py", *(f"movierec/{name}/*.py" for name in ("data", "models")))
CODE += ("movierec/training/*.py", "movierec/evaluation/*.py")

log = logging.getLogger("movierec")


def table_path(grid: Grid, dataset: str, root: Path = files.ROOT) -> Path:
    """Path of the grid's table for a data set."""
    return tables.path(dataset, f"experiments/{grid.name}", root)


def read(path: Path) -> pd.DataFrame:
    """A table of trials; an empty one if the file does not exist.

    Raises:
        GridError: the file is not such a table.
    """
    if not path.exists():
        return pd.DataFrame(columns=["trial"])
    try:
        table = pd.read_csv(path)
        if not {"trial", "seed", "error"} <= set(table):
            raise ValueError(f"it has the columns {', '.join(table)}")
    except (ValueError, OSError) as error:
        raise GridError(
            f"{path} is not a table of trials ({error}): restore it with git, or delete it to run "
            "all its trials again"
        ) from error
    return table


def code_hash() -> str:
    """One hash over the source files that can change a trial's numbers."""
    paths = sorted(path for pattern in CODE for path in files.ROOT.glob(pattern))
    return files.digest(b"".join(path.read_bytes() for path in paths))[:12]


def _identity(grid: Grid, settings: Settings, seed: int, data: MovieLens) -> str:
    """A trial's key; the same settings, seed and data give the same key."""
    what = [grid.model, grid.protocol, dataclasses.asdict(settings), seed]
    what += [data.fingerprint, grid.test]
    return files.digest(json.dumps(what, sort_keys=True).encode())[:12]


def run(grid: Grid, data: MovieLens, path: Path, jobs: int = 1) -> pd.DataFrame:
    """Run the grid's trials that are not in the table yet.

    Args:
        grid: the trials.
        data: the data set.
        path: the table. Rows of other trials stay in it.
        jobs: number of trials at a time, each in a process with its share of the cores.

    Returns:
        The grid's rows in the grid's order, one per trial: its settings, seed, metrics of the best
        epoch on the validation rows (and on test rows if the grid scores them, with the gain in
        NDCG@10 over the movie mean), epochs, seconds, error, hashes and versions.

    Raises:
        GridError: before the first trial, if the grid or the table is invalid; or a trial's
            process was killed.
    """
    trials = {}
    for change, seed in grid.trials():
        settings = dataclasses.replace(grid.base, **change)
        trials[_identity(grid, settings, seed, data)] = (settings, seed)
    table = read(path)
    code = code_hash()
    kept = table[table["trial"].isin(trials)]
    if len(kept) and (kept["code"] != code).any():
        log.warning(
            "%d trials of %s were run with a different version of the code and are kept; delete "
            "the file to run them again",
            (kept["code"] != code).sum(),
            path.name,
        )
    waiting = {key: trial for key, trial in trials.items() if key not in set(table["trial"])}
    if waiting:
        split_by(data, grid.protocol)  # unusable data should fail before the processes start
    bar = tqdm(total=len(trials), initial=len(kept), unit="trial", disable=None)
    with bar, logging_redirect_tqdm():
        for key, outcome in _outcomes(grid, data, waiting, jobs):
            settings, seed = waiting[key]
            row = {"trial": key, "protocol": grid.protocol, "model": grid.model, "seed": seed}
            row |= dataclasses.asdict(settings)
            row |= outcome | {"code": code, "data": data.fingerprint["ratings"][:12]}
            row |= artifacts.versions()
            new = pd.DataFrame([row])
            table = pd.concat([table, new], ignore_index=True) if len(table) else new
            tables.write(table, path)
            bar.update()
            log.info(_line(row))
    table = read(path)  # rows of this run and of earlier ones have the same types
    order = {key: number for number, key in enumerate(trials)}
    rows = table[table["trial"].isin(order)]
    return rows.sort_values("trial", key=lambda keys: keys.map(order), ignore_index=True)


def _line(row: dict) -> str:
    """The log message of a finished trial."""
    if row["error"]:
        return f"{row['trial']} failed: {row['error']}"
    values = [f"{name} {row[name]:.4f}" for name in LOGGED if pd.notna(row.get(name, np.nan))]
    return "  ".join([row["trial"], *values, f"{row['epochs_run']} epochs  {row['seconds']:.0f} s"])


def _outcomes(grid: Grid, data: MovieLens, trials: dict, jobs: int) -> Iterator[tuple[str, dict]]:
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


_dataset: SplitDataset | None = None  # the data set of a worker process


def _start(data: MovieLens, protocol: str, threads: int) -> None:
    """Prepare a worker: set its data and number of threads, and end it when its parent ends."""
    global _dataset
    import tensorflow as tf  # slow to import, and needed only in workers

    os.environ["LOKY_MAX_CPU_COUNT"] = str(threads)  # limits joblib.cpu_count in compiled code
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    _dataset = split_by(data, protocol)


def _trial(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """One trial's outcome; an error is recorded in it."""
    import tensorflow as tf

    start = time.perf_counter()
    try:
        outcome = _fit_and_score(model, settings, seed, test) | {"error": ""}
    except (TrainingError, ValueError, MemoryError, tf.errors.OpError) as error:
        outcome = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    return outcome | {"seconds": round(time.perf_counter() - start, 1)}


def _fit_and_score(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """Train a model and return its metrics on the validation rows, and on test rows if `test`.

    A model that is trained on the validation rows too has no validation metrics.
    """
    from movierec.training import loop

    dataset = _dataset
    network, encoded, history = fitted(dataset, model, settings, seed)
    predict = predictor(network)
    outcome = {"epochs_run": len(history), "parameters": network.count_params()}
    best = history[(loop.best_epoch(history) if settings.patience is not None else 0) - 1]
    outcome |= {name: best[name] for name in ("valid_logloss", "valid_auc") if name in best}
    if dataset.protocol.full_ranking and not settings.refit:
        outcome["valid_ndcg"] = _validation_ndcg(predict, dataset, encoded)
    if not test:
        return outcome
    scores = predict(encoded.ids[dataset.split.test])
    values = summary.flat(summary.of_rows(dataset.data, dataset.split.test, scores))
    outcome |= {f"test_{name}": value for name, value in values.items()}
    return outcome | _gain(scores, dataset, settings)


def _validation_ndcg(predict: Predictor, dataset: SplitDataset, encoded: EncodedDataset) -> float:
    """NDCG@10 of every fourth validation movie among all movies its user has not rated."""
    split = dataset.split
    scorer = full_ranking.model_scorer(predict, encoded)
    ranks, _ = full_ranking.ranks(dataset, split.valid[::4], split.train, scorer, 0)
    return float(metrics.one_relevant(ranks)["ndcg"].mean())


def _gain(scores: np.ndarray, dataset: SplitDataset, settings: Settings) -> dict[str, float]:
    """Gain in NDCG@10 (original) over the movie mean, with its interval.

    The movie mean is fitted on the same rows as the trial.
    """
    split, data = dataset.split, dataset.data
    known = Interactions.of(data, split.known if settings.refit else split.train)
    means = baselines.movie_mean(known).pairs(
        data.rating_users[split.test], data.rating_movies[split.test]
    )
    users, labels = data.ratings[USER].to_numpy()[split.test], data.labels[split.test]
    ours, theirs = (
        metrics.per_user(users, labels, values)["ndcg_original"] for values in (scores, means)
    )
    gain = metrics.bootstrap_difference(ours, theirs)
    return dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))


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
