"""The command line: `python -m movierec COMMAND`."""

import argparse
import contextlib
import dataclasses
import io
import logging
import math
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from movierec import files, provenance
from movierec.data import movielens, splits
from movierec.data.download import DATA_DIR, first_available
from movierec.data.schema import YEARS
from movierec.errors import MovieRecError, printable, quoted
from movierec.models import registry
from movierec.models.artifacts import ARRAY_MODELS, CANDIDATES, HISTORY, NEXT_MOVIE
from movierec.search.grids import GRIDS, GridError, grid_for
from movierec.sequences import sessions
from movierec.serving.lookups import ORDERS
from movierec.training import named_settings
from movierec.training.settings import SEED, TrainingError

PROTOCOLS = (*splits.PROTOCOLS, "future")
SEEDS = range(2**32)

# Commands import the modules that do the work themselves, so that --help needs no TensorFlow.


def data(options: argparse.Namespace) -> None:
    """Download a data set if it is not in data/ yet, and print its size."""
    dataset = first_available(options.names, movielens.load)
    print(
        f"{dataset.name}: {len(dataset.users):,} users, {len(dataset.movies):,} movies, "
        f"{len(dataset.ratings):,} ratings, from {dataset.source}"
    )


def preprocess(options: argparse.Namespace) -> None:
    """Write a data set's three preprocessed files into its folder."""
    from movierec.data import features

    dataset = movielens.load(options.name)
    tables = (dataset.users, dataset.movie_features, dataset.dated_ratings)
    for path in features.write(*tables, DATA_DIR / options.name, options.format):
        print(path.relative_to(DATA_DIR.parent))


# which models each option of `train` applies to
TRAIN_OPTIONS = {
    "setting": {*registry.TITLES},
    "replace": {*registry.TITLES, CANDIDATES, NEXT_MOVIE, HISTORY},
    "protocol": {*registry.TITLES, NEXT_MOVIE, HISTORY},
    "seed": {*registry.TITLES, NEXT_MOVIE, HISTORY},
    "epochs": {*registry.TITLES, NEXT_MOVIE, HISTORY},
}


def train(options: argparse.Namespace) -> None:
    """Train models and save them for the pages, or those of one protocol for evaluation."""
    given = {name: value for name in TRAIN_OPTIONS if (value := getattr(options, name)) is not None}
    for option in given:
        if options.model not in {None, *TRAIN_OPTIONS[option]}:
            options.error(f"--{option} has no effect on the model {options.model}")
    protocol = given.get("protocol", "test-rows")
    dataset = movielens.load(options.dataset)
    names = [options.model]
    if options.model is None:
        names = [*registry.TITLES]
        tuned = given.get("setting", "tuned") == "tuned"  # the other settings have no lists
        if tuned and protocol == "test-rows":  # the protocols for evaluation fit it themselves
            names.append(CANDIDATES)
        # with more ratings it would take days
        if tuned and len(dataset.ratings) <= named_settings.LARGE_DATA:
            names.append(NEXT_MOVIE)
    for name in names:
        print(f"training {name} ...", flush=True)
        own = {option: value for option, value in given.items() if name in TRAIN_OPTIONS[option]}
        _train(name, dataset, own)
    of = f"--dataset {dataset.name} --protocol {protocol}"
    print(f"saved; to evaluate: python -m movierec evaluate {of}")


def _train(name: str, dataset: movielens.Dataset, options: Mapping) -> None:
    if name == CANDIDATES:
        from movierec.training import candidates

        candidates.train(dataset, **options)
    elif name == NEXT_MOVIE:
        from movierec.sequences import next_movie

        next_movie.train(dataset, **options)
    elif name == HISTORY:
        from movierec.training import history

        if dataset.scale.implicit:
            raise TrainingError(
                f"{dataset.name} has no ratings that say what was not liked, and {HISTORY} learns "
                "from the differences of ratings: train another model"
            )
        history.train(dataset, **options)
    else:
        from movierec.training.train import train

        train(name, dataset, **options)


def evaluate(options: argparse.Namespace) -> None:
    """Evaluate saved models and baselines and write their rows of evaluation.csv."""
    from movierec.evaluation import results, tables
    from movierec.evaluation.evaluate import run

    dataset = movielens.load(options.dataset)
    path = results.path(dataset.name, "evaluation")
    for protocol in list(PROTOCOLS) if options.protocol == "all" else [options.protocol]:
        rows = run(dataset, protocol)
        description = results.DESCRIPTIONS[protocol]
        print(f"{protocol}: {description}\n\n{tables.as_markdown(rows)}\n")
        print(f"{dataset.name}, {dataset.source}; written to {path}")
        if protocol in ("future", "full-ranking"):
            _print_lists(rows.set_index("ranker")["ndcg@10"])


def _print_lists(ndcg) -> None:
    """Print the NDCG@10 of the main lists in one line; `ndcg` is indexed by ranker."""
    rankers = {
        "for_you": "AutoInt+, tuned setting: for you",
        "carry_on": "AutoInt+, tuned setting: carry on",
        "surest": "AutoInt+, tuned setting: surest",
        "popularity": "number of ratings of the movie",
        "ease": "EASE",
    }
    found = {name: ndcg[ranker] for name, ranker in rankers.items() if ranker in ndcg}
    print(" ".join(f"{name}_ndcg@10={value:.4f}" for name, value in found.items()))


def search(options: argparse.Namespace) -> None:
    """Run a grid of trials, or continue one; the table is written after every trial."""
    from movierec import cluster
    from movierec.search import grid_search

    if options.grid in OTHER_GRIDS:
        for name in ("jobs", "memory", "cluster", "stale"):
            if getattr(options, name) is not None:
                options.error(f"--{name} has no effect on the grid {options.grid}")
    if options.cluster is not None:
        if options.jobs is not None or options.memory is not None:
            options.error("--jobs and --memory are about this machine, not about a cluster")
        cluster.check(options.cluster)
    dataset = movielens.load(options.dataset)
    if options.grid in OTHER_GRIDS:
        OTHER_GRIDS[options.grid](dataset)
        return
    grid = grid_for(options.grid, dataset)
    jobs, reason = options.jobs, "as given"
    if jobs is None:
        jobs, reason = grid_search.jobs_for(options.memory)
    if options.cluster is None:
        print(f"trials at a time: {jobs} ({reason})")
    path = grid_search.table_path(grid, options.dataset)
    table = grid_search.run(grid, dataset, path, jobs, options.stale, options.cluster)
    print(f"{len(table)} trials, {table['error'].notna().sum()} failed; {path}")


def _search_prior(dataset: movielens.Dataset) -> None:
    """Compare prior precisions of fold-in and write the table."""
    from movierec.evaluation import cold_start, results

    chosen = named_settings.sized(named_settings.settings_for("tuned", "new-users"), dataset)
    path = results.path(dataset.name, "experiments/fold-in")
    table = cold_start.tune_prior(dataset, chosen)
    results.write(table.round(6), path)
    metrics = ["logloss", "auc", "ndcg_original@10"]
    shown = table.pivot_table(index="prior_precision", columns="ratings_known", values=metrics)
    best = table.groupby("prior_precision")["logloss"].mean().idxmin()
    print(f"{shown.round(4).to_string()}\nlowest mean LogLoss: prior precision {best:g}; {path}")


def _search_candidates(dataset: movielens.Dataset) -> None:
    """Compare penalties of the candidate model and write the table."""
    from movierec.evaluation import future, results

    chosen = named_settings.sized(named_settings.settings_for("tuned", "temporal"), dataset)
    chosen = dataclasses.replace(chosen, refit=False)
    path = results.path(dataset.name, "experiments/candidates")
    table = future.tune_candidates(dataset, chosen).round(6)
    results.write(table, path)
    print(f"{table.drop(columns=list(provenance.ORIGIN)).round(4).to_string()}\n{path}")


def _search_history(dataset: movielens.Dataset) -> None:
    """Choose the epochs of AutoInt+ with history, train it with five seeds, write the table."""
    from movierec.evaluation import results
    from movierec.search import grid_search, history

    path = results.path(dataset.name, "experiments/history")
    with files.locked(path.parent, HISTORY, timeout=0):  # two runs would lose each other's rows
        if path.exists():
            origin = provenance.origin(history.__name__, dataset.fingerprint)
            rows = results.read(dataset.name, "experiments/history")
            if count := len(grid_search.stale_rows(rows, origin)):
                raise GridError(
                    f"{count} rows of {path} are of other code, libraries or data: move the file "
                    "away, and everything is run again"
                )
        table = history.run(dataset, path)
    columns = ["variant", "seed", "epoch", "valid_logloss", "valid_auc"]
    columns += ["test_auc", "test_ndcg_original@10", "test_recall@10"]
    print(f"{table[columns].round(4).to_string()}\n{path}")


OTHER_GRIDS = {
    "fold-in": _search_prior,
    "candidates": _search_candidates,
    "history": _search_history,
}


def recommend(options: argparse.Namespace) -> None:
    """Print the movies recommended to a user, or write those of all users to a file."""
    from movierec import load

    if options.all is not None:
        _recommend_all(options)
        return
    if options.cluster is not None:
        options.error("--cluster makes the lists of all users: give --all instead of --user")
    recommender = load(options.model, options.dataset)
    for name in ("year", "month"):
        if getattr(options, name) is not None and not recommender.data.fields.time:
            options.error(f"--{name} has no effect: {options.dataset} has no times")
    table = recommender.recommend(
        options.user, options.n, options.year, options.month, options.order
    )
    if options.format == "json":
        print(table.to_json(orient="records", indent=1, force_ascii=False))
    elif options.format == "csv":
        print(table.to_csv(index=False), end="")
    else:
        print(table.to_string(index=False, formatters={"probability": "{:.4f}".format}))


def _recommend_all(options: argparse.Namespace) -> None:
    """Write the lists of all users to a file, or with a cluster to a file or folder."""
    from movierec import cluster, load

    for name in ("year", "month", "format"):
        if getattr(options, name) is not None:
            options.error(
                f"--{name} cannot be given with --all: each list is for the month of its user's "
                "last rating, and the file's name says the format"
            )
    path = options.all
    if path.suffix not in (".parquet", ".csv") and not (options.cluster and not path.suffix):
        options.error(
            f"--all is {quoted(str(path))}, expected a name that ends in .parquet or .csv, or with "
            "--cluster the name of a new folder without an ending"
        )
    if options.cluster is not None:
        cluster.check(options.cluster)
    recommender = load(options.model, options.dataset)
    if options.cluster is None:
        table = recommender.recommend_all(options.n, options.order)
        files.write_table(table, path)
        users = table["user_id"].nunique()
    else:
        users = cluster.recommend_all(recommender, options.n, options.order, options.cluster, path)
    print(f"{users:,} lists written to {path}")


def sessions_command(options: argparse.Namespace) -> None:
    """Train the next-item model of a data set and compare it with baselines on the test events."""
    from movierec.sequences.evaluate import train_and_evaluate

    _print_comparison(*train_and_evaluate(options.dataset, options.seed))


def artists(options: argparse.Namespace) -> None:
    """Evaluate artist rankers on Last.fm plays, or recommend artists to a new listener."""
    from movierec.artists import plays, rankers

    listening = plays.load(options.folder or plays.FOLDER)
    if options.favourites:
        print(rankers.recommend(listening, options.favourites.split(","), options.n).to_string())
    else:
        _print_comparison(*rankers.evaluate_tuned(listening))


def _print_comparison(notes: Sequence[str], table, means: dict[str, float]) -> None:
    print(*notes, table.to_string(), sep="\n")
    print(" ".join(f"{name}={value:.4f}" for name, value in means.items()))


def tables(options: argparse.Namespace) -> None:
    """Write the tables in the READMEs and docs/ from the CSV files in model/."""
    from movierec.evaluation import tables

    changed = tables.write_pages()
    print(*(path.name for path in changed) if changed else ["all pages are up to date"], sep="\n")


def compile_kernels(options: argparse.Namespace) -> None:
    """Compile the kernels of scoring and training; Numba stores them for later processes."""
    from movierec.models import kernels

    print("compiling the kernels, once per machine ...", flush=True)
    kernels.compile_all()


class _Parser(argparse.ArgumentParser):
    """A parser whose error messages are short and have no control characters."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message)[:300])


def _gib(text: str) -> float:
    """An argparse type: a number of GiB."""
    value = 0.0
    with contextlib.suppress(ValueError):
        value = float(text)
    if not 1 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{quoted(text)}, expected a number from 1 such as 12")
    return value


def _in(allowed: range) -> Callable[[str], int]:
    """An argparse type: a whole number from a range."""

    def number(text: str) -> int:
        value = int(text) if re.fullmatch("[0-9]{1,18}", text) else -1
        if value not in allowed:
            limits = f"from {allowed.start} to {allowed.stop - 1}"
            raise argparse.ArgumentTypeError(f"{quoted(text)}, expected a whole number {limits}")
        return value

    return number


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = _Parser(prog="python -m movierec", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        command.set_defaults(run=run, error=command.error)
        return command

    def add_cluster(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--cluster",
            metavar="ADDRESS",
            help="run on a Ray cluster: auto (this machine's), ray://host:10001 or host:6379",
        )

    def add_dataset(command: argparse.ArgumentParser) -> None:
        command.add_argument(
            "--dataset",
            default="ml-1m",
            metavar="NAME",
            help=f"{', '.join(movielens.NAMES)}, or a folder in data/",
        )

    command = add("data", data)
    command.add_argument("names", nargs="+", metavar="NAME", help="the first one available is used")

    command = add("preprocess", preprocess)
    command.add_argument("name", metavar="NAME")
    command.add_argument("--format", choices=["csv", "parquet"], default="csv")

    command = add("train", train)
    command.add_argument(
        "--model",
        choices=[*registry.TITLES, *ARRAY_MODELS],
        help=f"default: all that the pages need, which is all but {HISTORY}",
    )
    add_dataset(command)
    command.add_argument("--setting", choices=named_settings.SETTINGS, help="default: tuned")
    command.add_argument("--protocol", choices=splits.PROTOCOLS, help="default: test-rows")
    command.add_argument("--seed", type=_in(SEEDS), help=f"default: {SEED}")
    command.add_argument(
        "--epochs", type=_in(range(1, 10_001)), help="maximum number, instead of the setting's"
    )
    command.add_argument(
        "--replace",
        action="store_true",
        default=None,
        help="delete saved models of other data or with another encoder",
    )

    command = add("evaluate", evaluate)
    add_dataset(command)
    command.add_argument("--protocol", choices=[*PROTOCOLS, "all"], default="test-rows")

    command = add("search", search)
    command.add_argument("--grid", choices=[*GRIDS, *OTHER_GRIDS], required=True)
    add_dataset(command)
    command.add_argument(
        "--jobs", type=_in(range(1, 1025)), help="trials at a time (default: one per core)"
    )
    command.add_argument("--memory", type=_gib, help="GiB for all trials together")
    add_cluster(command)
    command.add_argument(
        "--stale",
        choices=["keep", "rerun"],
        help="what to do with trials of an older version of the code or libraries",
    )

    command = add("recommend", recommend)
    whom = command.add_mutually_exclusive_group(required=True)
    whom.add_argument("--user", type=_in(range(2**31)), help="user id")
    whom.add_argument("--all", type=Path, metavar="FILE", help="a .parquet or .csv file to write")
    add_cluster(command)
    count = _in(range(1, 10_001))
    command.add_argument("--n", type=count, default=10, help="number of movies (default: 10)")
    command.add_argument("--model", choices=registry.TITLES, default="autointmlp")
    add_dataset(command)
    for name, allowed in (("year", range(1, YEARS.stop)), ("month", range(1, 13))):
        text = f"target {name} (default: the user's last)"
        command.add_argument(f"--{name}", type=_in(allowed), help=text)
    command.add_argument(
        "--order",
        choices=ORDERS,
        default="for-you",
        help="for-you: by P(turn to it) · P(like it); surest: by P(like it) alone; carry-on: by "
        "P(rate it next) · P(like it). P(turn to it) is the probability that the next movie the "
        "user rates is this one, estimated from their liked movies and popularity; P(rate it next) "
        "is the same probability, estimated from the last movies in order",
    )
    command.add_argument("--format", choices=["table", "csv", "json"], help="default: table")

    command = add("sessions", sessions_command)
    command.add_argument("--dataset", choices=sessions.NAMES, default="completejourney")
    command.add_argument("--seed", type=_in(SEEDS), default=SEED)

    command = add("artists", artists)
    command.add_argument("--folder", type=Path, help="folder of the Last.fm files")
    command.add_argument("--favourites", help="artists of a new listener, separated by commas")
    command.add_argument("--n", type=count, default=10, help="number of artists (default: 10)")

    add("tables", tables)
    add("compile", compile_kernels)
    return top


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; errors of the project or the disk are printed in short and exit with 1.

    An interruption exits with 130.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # titles that the terminal cannot show
    top = parser()
    options = top.parse_args(arguments)
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    logging.getLogger("movierec").setLevel(logging.INFO)
    try:
        options.run(options)
        sys.stdout.flush()
    except KeyboardInterrupt:
        top.exit(130, "interrupted\n")
    except BrokenPipeError:  # whoever reads the output has ended, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        top.exit(1)
    except OSError as error:
        names = [str(name) for name in (error.filename, error.filename2) if name is not None]
        top.exit(1, f"{': '.join([*names, error.strerror or str(error)])}\n")
    except MovieRecError as error:
        top.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
