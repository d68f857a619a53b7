"""The next item of a session: every ranker asked about every test event.

`python -m movierec.sessions --dataset yoochoose1_64` trains with the committed settings and prints
Recall@20 and MRR@20 beside those of the baselines.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from movierec import metrics, nextbaselines, sessiondata
from movierec.datasets import DataError
from movierec.prefixes import Encoded, Prefixes, encode, prefixes, ranks, vocabulary
from movierec.sessiondata import Parts, Sessions
from movierec.settings import TrainingError

METRICS = ("recall@20", "mrr@20", "hr@10", "ndcg@10")
# Figures that others published on the same files, events and catalogue.
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
    "random order": nextbaselines.random_order,
    "popularity": nextbaselines.popularity,
    "session popularity": nextbaselines.session_popularity,
    "item-kNN": nextbaselines.item_knn,
    "Markov chain": nextbaselines.markov_chain,
}


@dataclass(frozen=True)
class Task:
    """A data set made ready: what to learn from, and what is asked.

    Args:
        items: as the source names them; `items[i]` has the id i + 1.
        train: to fit on, while something is left to choose.
        known: to fit on, once nothing is: training and validation sessions. Under leave-one-out
            the training events alone, as is the custom; validation events are then part of the
            prefix that the test asks about.
        valid, test: questions.
        leave_one_out: whether only the last event of a session is asked for, among the items that
            are not in it yet.
    """

    items: np.ndarray
    train: Encoded
    known: Encoded
    valid: Prefixes
    test: Prefixes
    leave_one_out: bool


def prepare(parts: Parts, length: int, leave_one_out: bool | None = None) -> Task:
    """Encode a data set by the items that are to be learnt from.

    Args:
        parts: see `sessiondata.load`.
        length: the most items of a prefix.
        leave_one_out: see `Task`; where films are the items, by default.
    """
    if leave_one_out is None:
        leave_one_out = parts.name.startswith("ml-")
    known = parts.train if leave_one_out else joined(parts.train, parts.valid)
    items = vocabulary(known)
    train, known, valid, test = (
        encode(part, items) for part in (parts.train, known, parts.valid, parts.test)
    )
    return Task(
        items,
        train,
        known,
        prefixes(valid, length, only_last=leave_one_out),
        prefixes(test, length, only_last=leave_one_out),
        leave_one_out,
    )


def joined(first: Sessions, second: Sessions) -> Sessions:
    """Sessions one after the other."""
    times = None if first.times is None else np.concatenate([first.times, second.times])
    return Sessions(
        np.concatenate([first.items, second.items]),
        np.concatenate([first.starts, len(first.items) + second.starts[1:]]),
        times,
        first.names,
    )


def values(found: np.ndarray) -> pd.DataFrame:
    """Metrics of each event from its rank, one relevant item each, the mean over events last.

    Recall@20 (with one relevant item the same as Hit Ratio@20), MRR@20 (`1/rank` where the rank is
    at most 20, else 0), Hit Ratio@10 and NDCG@10 (see `metrics.one_relevant`).

    Example:
        >>> values(np.array([1, 4, 21])).round(3).to_dict("list")["mrr@20"]
        [1.0, 0.25, 0.0]
    """
    ten = metrics.one_relevant(found, k=10)
    return pd.DataFrame(
        {
            "recall@20": ten["recall"],
            "mrr@20": np.where(found <= 20, ten["mrr"], 0.0),
            "hr@10": ten["hit_ratio"],
            "ndcg@10": ten["ndcg"],
        }
    )


def evaluate(task: Task, questions: Prefixes, scorer) -> pd.DataFrame:
    """Metrics of every question, see `values`."""
    return values(ranks(questions, scorer, unseen_only=task.leave_one_out))


def means(of: dict[str, pd.DataFrame], questions: Prefixes) -> pd.DataFrame:
    """Every ranker's metrics with half the width of their 95 % intervals, as `<metric>_ci`.

    Events of one session stand or fall together, so intervals are over sessions, see
    `metrics.clustered`.

    Args:
        of: metrics of every question, by ranker.
        questions: the questions.
    """
    rows = []
    for name, found in of.items():
        row = {"ranker": name}
        for metric in found:
            row[metric], row[f"{metric}_ci"] = metrics.clustered(found[metric], questions.owners)
        rows.append(row)
    return pd.DataFrame(rows)


def table(of: dict[str, pd.DataFrame], questions: Prefixes, best: str) -> pd.DataFrame:
    """`means` to be read, with each ranker's lead over `best`: paired, the same events."""
    said = pd.DataFrame(index=pd.Index(of, name="ranker"))
    numbers = means(of, questions).set_index("ranker")
    for metric in METRICS:
        said[metric] = [
            metrics.as_text((row[metric], row[f"{metric}_ci"])) for _, row in numbers.iterrows()
        ]
    for metric in METRICS[:2]:
        leads = []
        for name, found in of.items():
            lead, half = metrics.clustered(found[metric] - of[best][metric], questions.owners)
            interval = metrics.lead_as_text(lead, lead - half, lead + half)
            leads.append("–" if name == best else interval)
        said[f"lead in {metric} over {best}"] = leads
    return said


def best_of(of: dict[str, pd.DataFrame]) -> str:
    """The ranker with the highest Recall@20."""
    return max(of, key=lambda name: of[name]["recall@20"].mean())


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the next-item model of a data set and ask it about every test event."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=sessiondata.NAMES, default="completejourney")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args(arguments)
    from movierec import nextfitting  # TensorFlow takes seconds to import

    try:
        parts = sessiondata.load(options.dataset)
        settings = nextfitting.SETTINGS[options.dataset]
        task = prepare(parts, settings.length)
        print(*parts.dropped, sep="\n")
        print(
            f"{(task.test.targets == 0).sum():,} of {len(task.test):,} test events are of items "
            "that training has not seen: counted as misses"
        )
        of = {
            name: evaluate(task, task.test, baseline(task.known))
            for name, baseline in BASELINES.items()
        }
        model = nextfitting.fit(task.known, settings, options.seed)
        ours = evaluate(task, task.test, nextfitting.scorer(model))
    except (DataError, TrainingError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(table(of | {"NextItem": ours}, task.test, best_of(of)).iloc[:, :4].to_string())
    print(f"recall@20={ours['recall@20'].mean():.4f} mrr@20={ours['mrr@20'].mean():.4f}")


if __name__ == "__main__":
    main()
