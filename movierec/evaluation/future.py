"""The protocol `future`: lists of ten movies against what users liked later.

The ratings are split as in the protocol `temporal`. A user with at least `KNOWN` ratings before the
test period who likes a movie in it gets the ten best of all movies that they had not rated by then;
all movies that they liked later are relevant. The time of a rating is unknown to every ranker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from movierec import files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.raw_readers import DataError
from movierec.data.tables import Dataset
from movierec.evaluation import full_ranking, metrics, rankers, summary
from movierec.evaluation.full_ranking import RowScorer
from movierec.models.numpy_model import NumpyModel
from movierec.models.scorer import predictor
from movierec.serving.lookups import FEW_RATERS
from movierec.training import candidates
from movierec.training.fitting import fitted
from movierec.training.settings import SEED, Settings

PENALTIES = (100.0, 300.0, 1000.0, 3000.0, 10_000.0)
POOLS = (50, 100, 200, 500)
POPULARITIES = (0.0, 1.0)  # tried in addition to the chosen weight
KNOWN = 5  # ratings before the test period
PRIMARY = "ndcg@10"


@dataclass(frozen=True)
class Task:
    """Lists to make, and what is relevant in them.

    Args:
        known: row indices of the ratings before the period.
        rows: one row index for each user who gets a list, shape (users,).
        relevant: 1 where a user liked a movie in the period, shape (users, movies).
    """

    known: np.ndarray
    rows: np.ndarray
    relevant: sparse.csr_array

    @classmethod
    def of(cls, dataset: SplitDataset, known: np.ndarray, period: np.ndarray) -> "Task":
        """The task of a period, with the ratings known before it; both are row indices.

        Raises:
            DataError: no user with enough ratings liked a movie in the period.
        """
        data = dataset.data
        liked = period[data.labels[period] > 0]
        before = np.bincount(data.rating_users[known], minlength=len(data.users))
        users, first = np.unique(data.rating_users[liked], return_index=True)
        enough = before[users] >= KNOWN
        if not enough.any():
            raise DataError(
                f"no user of {data.name} has {KNOWN} ratings before the period and likes a movie "
                "in it, so there are no lists to evaluate"
            )
        return cls(known, liked[first[enough]], data.matrix(liked)[users[enough]])

    def lists(self, dataset: SplitDataset, scorer: RowScorer) -> np.ndarray:
        """The ten best movies of each user as positions, shape (users, 10)."""
        return full_ranking.ranks(dataset, self.rows, self.known, scorer, 10)[1]


def evaluate(dataset: SplitDataset, root: Path = files.ROOT) -> pd.DataFrame:
    """Evaluate every ranker's lists.

    A baseline's hyperparameters are those of the highest NDCG@10 in the validation period.

    Args:
        dataset: the data set, split by the protocol `temporal`.
        root: the folder that contains `model/`.

    Returns:
        One row per ranker: ranker, model, chosen and weights as in `evaluate.evaluate`; users;
        ndcg@10, precision@10, recall@10 and hit_ratio@10 with `_ci`; the metrics of
        `list_metrics`; best_baseline, and for models lead, lead_low and lead_high: the lead over it
        in NDCG@10 and its 95 % interval, paired by user; for those that give P(like it) the columns
        of `shown_and_liked`.

    Raises:
        ArtifactError, DataError: files that do not belong together or to the data; see `Task.of`.
    """
    split = dataset.split
    valid = Task.of(dataset, split.train, split.valid)
    test = Task.of(dataset, split.known, split.test)
    users = dataset.data.rating_users[test.rows]

    def validation_ndcg(scorer: RowScorer) -> float:
        top_k = valid.lists(dataset, scorer)
        return metrics.top_k_metrics(top_k, valid.relevant)[PRIMARY].mean()

    rows, per_user = [], []

    def add(name: str, scorer: RowScorer, **columns) -> np.ndarray:
        top_k = test.lists(dataset, scorer)
        per_user.append(metrics.top_k_metrics(top_k, test.relevant))
        means = {name: metrics.interval(values) for name, values in per_user[-1].items()}
        row = {"ranker": name} | columns | {"users": len(users)} | summary.flat(means)
        rows.append(row | list_metrics(dataset, users, top_k))
        return top_k

    for name, scorer, chosen in rankers.tuned_scorers(dataset, validation_ndcg):
        add(name, scorer, model=False, chosen=chosen, weights="")
    for ranker in rankers.model_rankers(dataset, test.rows, root):
        top_k = add(ranker.name, ranker.scorer, model=True, chosen="", weights=ranker.weights)
        if ranker.probability is not None:
            rows[-1] |= shown_and_liked(dataset, test.rows, top_k, ranker.probability)
    table = pd.DataFrame(rows)
    best = int(table.loc[~table["model"], PRIMARY].idxmax())
    for index in table.index[table["model"]]:
        lead = metrics.bootstrap_difference(per_user[index][PRIMARY], per_user[best][PRIMARY])
        table.loc[index, ["lead", "lead_low", "lead_high"]] = lead
    return table.assign(best_baseline=table.loc[best, "ranker"])


def tune_candidates(data: Dataset, settings: Settings, seed: int = SEED) -> pd.DataFrame:
    """Lists in the validation period for penalties of EASE, weights of popularity and pools.

    The EASE weights and an AutoInt+ for P(like it) are fitted on the training rows. The candidate
    model's three factors are fitted on the validation rows, on which NDCG@10 is measured too, so it
    is slightly too high.

    Args:
        data: the data set.
        settings: of AutoInt+, without `refit`.
        seed: random seed.

    Returns:
        One row per trial and order ("turn to it": the candidate model alone; "for you"): l2,
        popularity, order, pool (number of movies that AutoInt+ scores; NaN for all), factors,
        ndcg@10, ndcg@10_ci; lead of "for you" over "turn to it" with its bounds, paired by user;
        the metrics of `list_metrics`; and the origin. A trial is a penalty with the chosen weight
        of popularity, or the chosen penalty with another pool or weight.
    """
    dataset = split_by(data, "temporal")
    split = dataset.split
    task = Task.of(dataset, split.train, split.valid)
    network, encoded, _ = fitted(dataset, "autointmlp", settings, seed)
    surest = full_ranking.model_scorer(predictor(NumpyModel.of(network)), encoded)
    surest = rankers.kept_scorer(surest, task.rows)
    users = data.rating_users[task.rows]
    trials = [(l2, candidates.POPULARITY, POOLS if l2 == candidates.L2 else ()) for l2 in PENALTIES]
    trials += [(candidates.L2, popularity, ()) for popularity in POPULARITIES]
    table = []
    for l2, popularity, pools in trials:
        model = candidates.fit(dataset, split.train, l2, popularity)
        turned_to = rankers.turned_to_scorer(dataset, model, split.train)
        product = rankers.product_scorer(turned_to, surest)
        scorers = {("turn to it", None): turned_to, ("for you", None): product}
        scorers |= {
            ("for you", pool): rankers.pooled_scorer(turned_to, product, pool) for pool in pools
        }
        lists = {key: task.lists(dataset, scorer) for key, scorer in scorers.items()}
        per_user = {
            key: metrics.top_k_metrics(top_k, task.relevant)[PRIMARY]
            for key, top_k in lists.items()
        }
        for (order, pool), values in per_user.items():
            mean, half = metrics.interval(values)
            row = {"l2": l2, "popularity": popularity, "order": order, "pool": pool}
            row["factors"] = " ".join(f"{factor:.3f}" for factor in model.factors)
            row |= {PRIMARY: mean, f"{PRIMARY}_ci": half}
            if order == "for you":
                lead = metrics.bootstrap_difference(values, per_user["turn to it", None])
                row |= dict(zip(("lead", "lead_low", "lead_high"), lead, strict=True))
            table.append(row | list_metrics(dataset, users, lists[order, pool], split.train))
    return pd.DataFrame(table).assign(**provenance.origin(__name__, data.fingerprint))


def shown_and_liked(
    dataset: SplitDataset, rows: np.ndarray, top_k: np.ndarray, probability: Callable
) -> dict[str, float]:
    """P(like it) of the listed movies that were rated later, and how many of them were liked.

    Args:
        dataset: the data set, split by the protocol `temporal`.
        rows: row index of each list's user, shape (users,).
        top_k: movie positions, shape (users, k); -1 for no movie.
        probability: P(like it) of row indices and movie positions, both of shape (pairs,).

    Returns:
        rated_later, the number of such movies; shown, their mean probability; liked, the share of
        them that got a rating of 4 or more, with liked_ci, the half-width of its 95 % interval.
    """
    data, test = dataset.data, dataset.split.test
    users = np.repeat(data.rating_users[rows], top_k.shape[1])
    rows, movies = np.repeat(rows, top_k.shape[1]), top_k.ravel()
    rated = data.matrix(test)[users, movies] > 0
    liked = data.matrix(test[data.labels[test] > 0])[users, movies] > 0
    rated &= movies >= 0
    if not rated.any():
        return {"rated_later": 0}
    shown = probability(rows[rated], movies[rated])
    share, half = metrics.clustered_interval(liked[rated].astype(float), users[rated])
    values = {"rated_later": int(rated.sum()), "shown": float(shown.mean())}
    return values | {"liked": share, "liked_ci": half}


def list_metrics(
    dataset: SplitDataset, users: np.ndarray, top_k: np.ndarray, known: np.ndarray | None = None
) -> dict[str, float]:
    """Metrics of lists as a whole.

    Args:
        dataset: the data set.
        users: position of each list's user, shape (users,).
        top_k: movie positions, shape (users, k); -1 for no movie.
        known: row indices of the known ratings; by default the training and validation rows.

    Returns:
        coverage, gini, novelty and overlap, see `metrics`; few_raters, the share of places with a
        movie that fewer than `FEW_RATERS` users rated in the known rows; favourite_liked and
        favourite_listed, the mean share of each user's favourite genre (the most frequent one)
        among their known liked movies and in their list, without users who like no movie; without
        genres these two are missing.
    """
    data, known = dataset.data, dataset.split.known if known is None else known
    movies = len(data.movies)
    raters = np.bincount(data.rating_movies[known], minlength=movies)
    genres = data.genre_table.to_numpy(np.float32)
    if not genres.size:  # a data set without genres
        genres = np.zeros((movies, 1), np.float32)
    liked = data.matrix(known[data.labels[known] > 0])[users]
    counts = liked @ genres
    favourite = counts.argmax(axis=1)
    total = np.maximum(liked.sum(axis=1), 1)
    filled = top_k >= 0
    of_favourite = genres.T[favourite[:, None], np.maximum(top_k, 0)] * filled
    has_liked = counts.any(axis=1)
    values = {
        "coverage": metrics.coverage(top_k, movies),
        "gini": metrics.gini(top_k, movies),
        "novelty": metrics.novelty(top_k, raters, len(data.users)),
        "overlap": metrics.overlap(top_k),
        "few_raters": float((raters[top_k[filled]] < FEW_RATERS).mean()),
    }
    if has_liked.any():
        listed = of_favourite.sum(axis=1) / np.maximum(filled.sum(axis=1), 1)
        values["favourite_liked"] = float((counts.max(axis=1) / total)[has_liked].mean())
        values["favourite_listed"] = float(listed[has_liked].mean())
    return values
