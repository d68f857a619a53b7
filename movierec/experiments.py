"""Grid search: a grid in, a table out, one row a trial, resumable.

`python -m movierec.experiments --grid original` runs the course project's eight combinations,
`--grid wide` one change at a time around the tuned setting. A trial's row is written when it
ends, so a killed search goes on where it stopped; a trial that fails leaves a row with its error.
"""

import argparse
import contextlib
import dataclasses
import io
import itertools
import json
import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import keras
import pandas as pd
import tensorflow as tf
from scipy import stats
from tqdm import tqdm

from movierec import artefacts, baselines, datasets, files, metrics, training
from movierec.datasets import MOVIE, MovieLens
from movierec.fitting import Settings, TrainingError, fit
from movierec.models import MODELS, predictor

# What one trial was seen to need on ML-1M (peak of its process 1.3 GiB), with room to spare.
TRIAL_GIB = 2.0
CODE = ("autoint.py", "autointmlp.py", "movierec/fitting.py", "movierec/encoding.py")
CODE += ("movierec/preprocess.py", "movierec/splits.py", "movierec/metrics.py")


class GridError(ValueError):
    """A grid that cannot be run, or a table that cannot be read; nothing was tried."""


@dataclass(frozen=True)
class Grid:
    """Trials to run.

    Args:
        name: of its table.
        base: the settings that all trials share.
        axes: values to try of fields of `Settings`.
        crossed: whether all combinations are tried; else the base, and one change at a time.
        seeds: every combination is run with each.
        base_seeds: further seeds of the base alone, which show the noise of a single run.
        test: whether test rows are scored. Only for a table that nothing is chosen by.
        model: a key of `MODELS`.
    """

    name: str
    base: Settings
    axes: Mapping[str, Sequence]
    crossed: bool = True
    seeds: Sequence[int] = (42,)
    base_seeds: Sequence[int] = ()
    test: bool = False
    model: str = "autointmlp"

    def changes(self) -> list[dict]:
        """What each combination sets otherwise than the base.

        Raises:
            GridError: an unknown parameter or model, or a value that no model can be built with.
        """
        if self.model not in MODELS:
            raise GridError(f"unknown model {self.model!r}: choose one of {', '.join(MODELS)}")
        known = [field.name for field in dataclasses.fields(Settings)]
        for name, values in self.axes.items():
            if name not in known:
                raise GridError(f"unknown parameter {name!r}: choose some of {', '.join(known)}")
            if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
                raise GridError(f"{name} is {values!r}, expected a list of values to try")
        if self.crossed:
            combinations = itertools.product(*self.axes.values())
            changes = [dict(zip(self.axes, values, strict=True)) for values in combinations]
        else:
            changes = [{}]
            for name, values in self.axes.items():
                changes += [{name: value} for value in values]
        for change in changes:
            try:
                dataclasses.replace(self.base, **change).build(self.model, (2, 2))
            except (ValueError, TypeError) as error:
                raise GridError(f"no model can be built with {change}: {error}") from error
        return changes

    def trials(self) -> list[tuple[dict, int]]:
        """Every change with every seed, in the order in which they run."""
        changes = self.changes()
        if not self.seeds:
            raise GridError("seeds is empty, expected one whole number at least")
        trials = [(change, seed) for seed in self.seeds for change in changes]
        return trials + [({}, seed) for seed in self.base_seeds]


GRIDS = {
    "original": Grid(
        "original",
        dataclasses.replace(training.SETTINGS["original"], epochs=3),
        {"embed_dim": (16, 8), "dropout": (0.2, 0.4), "batch_size": (1024, 2048)},
        test=True,
    ),
    "wide": Grid(
        "wide",
        dataclasses.replace(training.SETTINGS["tuned"], epochs=8, patience=2),
        {
            "l2_embedding": (0.0, 3e-3),
            "learning_rate": (3e-4, 3e-3),
            "embed_dim": (8, 32),
            "dropout": (0.2, 0.6),
            "num_layers": (1,),
            "num_heads": (1,),
            "batch_size": (4096,),
        },
        crossed=False,
        base_seeds=(43, 44),
    ),
}


# What the course project published for its eight combinations: NDCG@10 and HitRate@10.
PUBLISHED = pd.DataFrame(
    [
        (16, 0.2, 1024, 0.6619, 0.6301),
        (16, 0.4, 1024, 0.6617, 0.6301),
        (16, 0.2, 2048, 0.6615, 0.6298),
        (16, 0.4, 2048, 0.6609, 0.6294),
        (8, 0.2, 1024, 0.6602, 0.6279),
        (8, 0.4, 1024, 0.6598, 0.6277),
        (8, 0.2, 2048, 0.6592, 0.6276),
        (8, 0.4, 2048, 0.6589, 0.6282),
    ],
    columns=["embed_dim", "dropout", "batch_size", "published_ndcg", "published_hitrate"],
)


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
    what = [grid.model, dataclasses.asdict(settings), seed, data.fingerprint, grid.test]
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
    training.prepare(data)  # data too small to split is better met now
    table = read(path)
    code = code_hash()
    kept = table[table["trial"].isin(trials)]
    if len(kept) and (kept["code"] != code).any():
        tqdm.write(
            f"{(kept['code'] != code).sum()} trials of {path.name} were run by other code than "
            "today's and are kept; delete the file to run them again"
        )
    waiting = {key: trial for key, trial in trials.items() if key not in set(table["trial"])}
    with tqdm(total=len(trials), initial=len(kept), unit="trial", disable=None) as bar:
        for key, outcome in _outcomes(grid, data, waiting, jobs):
            settings, seed = waiting[key]
            row = {"trial": key, "model": grid.model, "seed": seed} | dataclasses.asdict(settings)
            row |= outcome | {"code": code, "data": data.fingerprint["ratings"][:12]}
            row |= artefacts.versions()
            # through JSON and CSV, so that a row reads the same whether just made or from disk
            new = pd.DataFrame([row])
            table = pd.concat([table, new], ignore_index=True) if len(table) else new
            with files.replacing(path) as (part,):
                table.to_csv(part, index=False, lineterminator="\n")
            bar.update()
            tqdm.write(_line(row))
    table = read(path)
    order = {key: number for number, key in enumerate(trials)}
    mine = table[table["trial"].isin(order)]
    return mine.sort_values("trial", key=lambda keys: keys.map(order), ignore_index=True)


def _line(row: dict) -> str:
    if row["error"]:
        return f"{row['trial']} failed: {row['error']}"
    return (
        f"{row['trial']}  valid LogLoss {row['valid_logloss']:.4f}  AUC {row['valid_auc']:.4f}  "
        f"{row['epochs_run']} epochs  {row['seconds']:.0f} s"
    )


def _outcomes(grid: Grid, data: MovieLens, trials: dict, jobs: int) -> Iterator[tuple[str, dict]]:
    """Key and outcome of every trial, as they end."""
    if not trials:
        return
    jobs = max(1, min(jobs, len(trials)))
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    pool = ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(data, threads))
    with pool:
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
            pool.shutdown(wait=False, cancel_futures=True)


_prepared: training.Prepared | None = None  # of a worker process


def _start(data: MovieLens, threads: int) -> None:
    """Make a worker ready: its data, its share of the cores, and an end when its parent ends."""
    global _prepared
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    parent = multiprocessing.parent_process()
    threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()
    _prepared = training.prepare(data)


def _trial(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """One trial's outcome; an error becomes part of it."""
    start = time.perf_counter()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            outcome = _fitted(model, settings, seed, test) | {"error": ""}
    except (TrainingError, ValueError, MemoryError, tf.errors.OpError) as error:
        outcome = {"error": " ".join(f"{type(error).__name__}: {error}".split())[:500]}
    return outcome | {"seconds": round(time.perf_counter() - start, 1)}


def _fitted(model: str, settings: Settings, seed: int, test: bool) -> dict:
    """Train and score: validation metrics always, test metrics where asked for."""
    split = _prepared.split
    keras.utils.set_random_seed(seed)
    network = settings.build(model, _prepared.encoder.field_dims)
    rows = _prepared.rows(split.train), _prepared.rows(split.valid)
    history = fit(network, *rows, settings, seed)
    predict = predictor(network)
    outcome = {"epochs_run": len(history), "parameters": network.count_params()}
    for part in ("valid", "test") if test else ("valid",):
        numbers = getattr(split, part)
        scores = predict(_prepared.ids[numbers])
        for name, value in training.quality(_prepared, numbers, scores).items():
            if isinstance(value, tuple):
                outcome[f"{part}_{name}"], outcome[f"{part}_{name}_ci"] = value
            else:
                outcome[f"{part}_{name}"] = value
    if test:
        gain = metrics.bootstrap_difference(_ndcg(scores), _ndcg(_movie_mean()))
        outcome |= dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True))
    return outcome


def _ndcg(scores) -> pd.Series:
    test = _prepared.split.test
    table = metrics.per_user(_prepared.users[test], _prepared.labels[test], scores)
    return table["ndcg_original"]


def _movie_mean():
    split = _prepared.split
    movies = pd.factorize(_prepared.data.ratings[MOVIE])[0]
    return baselines.movie_mean(
        movies[split.train], _prepared.labels[split.train], movies[split.test]
    )


def chosen(grid: Grid, table: pd.DataFrame) -> Grid:
    """The setting with the lowest validation LogLoss as a grid of one trial, with test rows.

    Settings that were run with several seeds count by their mean. All axes must be numbers.

    Raises:
        GridError: when no trial of the table succeeded.
    """
    done = table[table["error"].isna()]
    if done.empty:
        raise GridError("no trial succeeded, so there is nothing to choose from")
    axes = list(grid.axes)
    means = done.groupby(axes, as_index=False)["valid_logloss"].mean()
    best = means.loc[means["valid_logloss"].idxmin()]
    change = {name: type(grid.axes[name][0])(best[name]) for name in axes}
    base = dataclasses.replace(grid.base, **change)
    return Grid(f"{grid.name}-chosen", base, {}, test=True, model=grid.model)


def effects(grid: Grid, table: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """What changing one parameter did to the validation LogLoss, and how much is noise.

    The base is run with several seeds. A single run with nothing changed differs from their mean
    by `t · s · √(1 + 1/n)` in 19 of 20 cases, with s their standard deviation, n their number and
    t Student's quantile for n - 1: a change matters when its difference is larger.

    Args:
        grid: a grid that is not crossed, with `base_seeds`.
        table: its rows.

    Returns:
        One row a change (parameter, value, difference, matters), and the noise.

    Raises:
        GridError: fewer than two successful runs of the base.
    """
    axes = list(grid.axes)
    done = table[table["error"].isna()]
    differs = pd.DataFrame({name: done[name] != getattr(grid.base, name) for name in axes})
    base = done.loc[~differs.any(axis=1), "valid_logloss"]
    if len(base) < 2:
        raise GridError(f"the base has {len(base)} successful runs, two are needed to know noise")
    count = len(base)
    noise = stats.t.ppf(0.975, count - 1) * base.std() * (1 + 1 / count) ** 0.5
    rows = [
        {"parameter": name, "value": value, "difference": logloss - base.mean()}
        for name in axes
        for value, logloss in zip(
            done.loc[differs[name], name], done.loc[differs[name], "valid_logloss"], strict=True
        )
    ]
    changed = pd.DataFrame(rows, columns=["parameter", "value", "difference"])
    return changed.assign(matters=changed["difference"].abs() > noise), float(noise)


def jobs_for(memory_gib: float | None = None) -> int:
    """How many trials to run side by side: one a core, as far as memory goes.

    One trial does not keep several cores busy (its matrix products are small), so as many
    one-thread trials as there are cores finish sooner than one many-threaded trial after another.

    Args:
        memory_gib: what all trials together may use; three quarters of what is free by default (one
            trial at a time where the system does not tell).
    """
    if memory_gib is None:
        try:
            free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, ValueError):  # not every system tells
            return 1
        memory_gib = 0.75 * free / 2**30
    return max(1, min(os.cpu_count() or 1, int(memory_gib / TRIAL_GIB)))


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
    except (datasets.DataError, TrainingError, GridError, OSError) as error:
        parser.exit(1, f"{error}\n")
    failed = table["error"].notna().sum()
    print(f"{len(table)} trials, {failed} failed; {path}")


if __name__ == "__main__":
    main()
