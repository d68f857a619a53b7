"""Evaluate rankers of the next item: every event is ranked among all items."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec.evaluation import metrics
from movierec.sequences import baselines, sessions
from movierec.sequences.prefixes import (
    EncodedSessions,
    Prefixes,
    Scorer,
    encode,
    make_prefixes,
    ranks,
    vocabulary,
)
from movierec.sequences.sessions import Sessions, Split

METRICS = ("recall@20", "mrr@20", "hr@10", "ndcg@10")
# Published results with the same files, test events and candidate items.
PUBLISHED = {
    # Wu et al. 2019 (SR-GNN)
    "yoochoose1_64": pd.DataFrame(
        [
            ("popularity", 0.0671, 0.0165),
            ("session popularity", 0.3044, 0.1835),
            ("item-kNN", 0.5160, 0.2181),
            ("BPR-MF", 0.3131, 0.1208),
            ("FPMC", 0.4562, 0.1501),
            ("GRU4Rec", 0.6064, 0.2289),
            ("NARM", 0.6832, 0.2863),
            ("STAMP", 0.6874, 0.2967),
            ("SR-GNN", 0.7057, 0.3094),
        ],
        columns=["published", "recall@20", "mrr@20"],
    ),
    # Zhai et al. 2024 (HSTU)
    "ml-1m": pd.DataFrame(
        [
            ("SASRec", 0.2853, 0.1603),
            ("BERT4Rec", 0.2843, 0.1537),
            ("GRU4Rec", 0.2811, 0.1648),
            ("HSTU", 0.3097, 0.1720),
            ("HSTU-large", 0.3294, 0.1893),
        ],
        columns=["published", "hr@10", "ndcg@10"],
    ),
}
BASELINES = {
    "random order": baselines.random_order,
    "popularity": baselines.popularity,
    "session popularity": baselines.session_popularity,
    "item-kNN": baselines.item_knn,
    "Markov chain": baselines.markov_chain,
}


@dataclass(frozen=True)
class Task:
    """An encoded data set: sessions to train on, and the events to predict.

    Args:
        items: the data set's own item numbers; `items[i]` has the id i + 1.
        train: sessions to train on while settings are tuned on `valid`.
        known: sessions to train on before the test: training and validation sessions. With
            leave-one-out the same as `train`, as is usual; validation events are then part of
            the test prefixes.
        valid, test: events to predict.
        leave_one_out: predict the last event of each session only, among the items that are not
            in its prefix.
    """

    items: np.ndarray
    train: EncodedSessions
    known: EncodedSessions
    valid: Prefixes
    test: Prefixes
    leave_one_out: bool


def prepare(split: Split, length: int, leave_one_out: bool | None = None) -> Task:
    """Encode a data set with the vocabulary of its `known` sessions, see `Task`.

    Prefixes have at most `length` items. `leave_one_out` is by default true for MovieLens only.
    """
    if leave_one_out is None:
        leave_one_out = split.name.startswith("ml-")
    known = split.train if leave_one_out else concatenate(split.train, split.valid)
    items = vocabulary(known)
    valid, test = (
        make_prefixes(encode(part, items), length, only_last=leave_one_out)
        for part in (split.valid, split.test)
    )
    train, known = encode(split.train, items), encode(known, items)
    return Task(items, train, known, valid, test, leave_one_out)


def concatenate(first: Sessions, second: Sessions) -> Sessions:
    """The sessions of both, those of `first` before those of `second`."""
    times = None if first.times is None else np.concatenate([first.times, second.times])
    return Sessions(
        np.concatenate([first.items, second.items]),
        np.concatenate([first.starts, len(first.items) + second.starts[1:]]),
        times,
        first.names,
    )


def metrics_of_ranks(target_ranks: np.ndarray) -> pd.DataFrame:
    """Recall@20, MRR@20, Hit Ratio@10 and NDCG@10 of each event, from the rank of its item.

    With one relevant item per event, Recall@20 equals Hit Ratio@20. MRR@20 is `1/rank` up to rank
    20 and 0 after it. For Hit Ratio@10 and NDCG@10 see `metrics.one_relevant`; for `target_ranks`
    see `prefixes.ranks`. Returns one row per event, with the columns `METRICS`.

    Example:
        >>> metrics_of_ranks(np.array([1, 4, 21])).round(3).to_dict("list")["mrr@20"]
        [1.0, 0.25, 0.0]
    """
    at_10 = metrics.one_relevant(target_ranks, k=10)
    return pd.DataFrame(
        {
            "recall@20": at_10["recall@20"],
            "mrr@20": np.where(target_ranks <= 20, at_10["mrr"], 0.0),
            "hr@10": at_10["hit_ratio@10"],
            "ndcg@10": at_10["ndcg@10"],
        }
    )


def evaluate(task: Task, prefixes: Prefixes, scorer: Scorer) -> pd.DataFrame:
    """Metrics of each event, see `metrics_of_ranks`."""
    return metrics_of_ranks(ranks(prefixes, scorer, unseen_only=task.leave_one_out))


def means(results: dict[str, pd.DataFrame], prefixes: Prefixes) -> pd.DataFrame:
    """Mean metrics of each ranker, with the half-width of their 95 % interval as `<metric>_ci`.

    Intervals are clustered by session, see `metrics.clustered_interval`.

    Args:
        results: per-event metrics by ranker, see `evaluate`.
        prefixes: the events.
    """
    rows = []
    for name, per_event in results.items():
        row = {"ranker": name}
        for metric, values in per_event.items():
            interval = metrics.clustered_interval(values, prefixes.sessions)
            row[metric], row[f"{metric}_ci"] = interval
        rows.append(row)
    return pd.DataFrame(rows)


def table(results: dict[str, pd.DataFrame], prefixes: Prefixes, reference: str) -> pd.DataFrame:
    """`means` as text, with each ranker's lead over the `reference` ranker, paired by event."""
    rows = {}
    for name, per_event in results.items():
        row = {
            metric: metrics.as_text(metrics.clustered_interval(values, prefixes.sessions))
            for metric, values in per_event.items()
        }
        for metric in METRICS[:2]:
            difference = per_event[metric] - results[reference][metric]
            lead, half = metrics.clustered_interval(difference, prefixes.sessions)
            text = metrics.lead_as_text(lead, lead - half, lead + half)
            row[f"lead in {metric} over {reference}"] = "–" if name == reference else text
        rows[name] = row
    return pd.DataFrame(rows).T.rename_axis("ranker")


def best_ranker(results: dict[str, pd.DataFrame]) -> str:
    """Name of the ranker with the highest mean Recall@20."""
    return max(results, key=lambda name: results[name]["recall@20"].mean())


def train_and_evaluate(
    name: str, seed: int = 42
) -> tuple[list[str], pd.DataFrame, dict[str, float]]:
    """Train `NextItem` on `Task.known` with tuned settings and compare it with the baselines.

    Args:
        name: data set, see `sessions.load`.
        seed: of the training.

    Returns:
        Notes on the data, a table of all rankers on the test events, and NextItem's mean
        recall@20 and mrr@20.

    Raises:
        DataError: an unknown name, or missing or damaged files.
        TrainingError: see `train.fit`.
    """
    from movierec.sequences import train  # TensorFlow takes seconds to import

    split, settings = sessions.load(name), train.SETTINGS[name]
    task = prepare(split, settings.length)
    unknown = int((task.test.targets == 0).sum())
    notes = [
        *split.notes,
        f"{unknown:,} of {len(task.test):,} test events have an item that is not in the training "
        "sessions; they count as misses",
    ]
    results = {
        ranker: evaluate(task, task.test, baseline(task.known))
        for ranker, baseline in BASELINES.items()
    }
    model = train.fit(task.known, settings, seed)
    results["NextItem"] = evaluate(task, task.test, train.scorer(model))
    summary = results["NextItem"][["recall@20", "mrr@20"]].mean().to_dict()
    return notes, table(results, task.test, "NextItem")[list(METRICS)], summary
