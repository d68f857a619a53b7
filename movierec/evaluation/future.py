"""The protocol `future`: lists of ten movies against what users liked later.

The ratings are split as in the protocol `temporal`. A user with at least `KNOWN` ratings before the
test period who likes a movie in it gets the ten best of all movies that they had not rated by then;
all movies that they liked later are relevant. The time of a rating is unknown to every ranker.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from movierec import files, provenance
from movierec.data.dataset import SplitDataset, split_by
from movierec.data.raw_readers import DataError
from movierec.data.tables import MovieLens
from movierec.evaluation import full_ranking, metrics, rankers, summary
from movierec.evaluation.full_ranking import RowScorer
from movierec.evaluation.rankers import RankerScores
from movierec.models.numpy_model import NumpyModel
from movierec.models.scorer import predictor
from movierec.training import candidates
from movierec.training.fitting import fitted
from movierec.training.settings import SEED, Settings

PENALTIES = (100.0, 300.0, 1000.0, 3000.0, 10_000.0)
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
        return cls(known, liked[first[enough]], dataset.rated(liked)[users[enough]])

    def lists(self, dataset: SplitDataset, scorer: RowScorer) -> np.ndarray:
        """The ten best movies of each user as positions, shape (users, 10)."""
        return full_ranking.ranks(dataset, self.rows, self.known, scorer, 10)[1]


def ranker_lists(dataset: SplitDataset, root: Path = files.ROOT) -> Iterator[RankerScores]:
    """Every ranker's lists, in the field `top_k`.

    A baseline's hyperparameters are those of the highest NDCG@10 in the validation period.

    Raises:
        ArtifactError: saved files that do not belong together or to the data.
    """
    split = dataset.split
    valid = Task.of(dataset, split.train, split.valid)
    test = Task.of(dataset, split.known, split.test)

    def validation_ndcg(scorer: RowScorer) -> float:
        top_k = valid.lists(dataset, scorer)
        return metrics.top_k_metrics(top_k, valid.relevant)[PRIMARY].mean()

    none = np.empty(0)
    for name, scorer, chosen in rankers.tuned_scorers(dataset, validation_ndcg):
        yield RankerScores(name, none, top_k=test.lists(dataset, scorer), chosen=chosen)
    for name, scorer, weights in rankers.model_scorers(dataset, root):
        yield RankerScores(name, none, top_k=test.lists(dataset, scorer), weights=weights)


def evaluate(dataset: SplitDataset, root: Path = files.ROOT) -> pd.DataFrame:
    """Evaluate every ranker's lists.

    Args:
        dataset: the data set, split by the protocol `temporal`.
        root: the folder that contains `model/`.

    Returns:
        One row per ranker: ranker, model, chosen and weights as in `evaluate.evaluate`; users;
        ndcg@10, precision@10, recall@10 and hit_ratio@10 with `_ci`; the metrics of
        `list_metrics`; best_baseline, and for models lead, lead_low and lead_high: the lead over it
        in NDCG@10 and its 95 % interval, paired by user.

    Raises:
        ArtifactError, DataError: see `ranker_lists` and `Task.of`.
    """
    test = Task.of(dataset, dataset.split.known, dataset.split.test)
    lists = list(ranker_lists(dataset, root))
    per_user = [metrics.top_k_metrics(ranker.top_k, test.relevant) for ranker in lists]
    users = dataset.data.rating_users[test.rows]
    rows = []
    for ranker, values in zip(lists, per_user, strict=True):
        row = {"ranker": ranker.name, "model": ranker.model, "chosen": ranker.chosen}
        row |= {"weights": ranker.weights, "users": len(values)}
        row |= summary.flat({name: metrics.interval(values[name]) for name in values})
        rows.append(row | list_metrics(dataset, users, ranker.top_k))
    table = pd.DataFrame(rows)
    best = int(table.loc[~table["model"], PRIMARY].idxmax())
    for index in table.index[table["model"]]:
        lead = metrics.bootstrap_difference(per_user[index][PRIMARY], per_user[best][PRIMARY])
        table.loc[index, ["lead", "lead_low", "lead_high"]] = lead
    return table.assign(best_baseline=table.loc[best, "ranker"])


def tune_candidates(data: MovieLens, settings: Settings, seed: int = SEED) -> pd.DataFrame:
    """NDCG@10 in the validation period for each penalty of the candidate model's EASE.

    The EASE weights and an AutoInt+ for P(like it) are fitted on the training rows. The candidate
    model's two factors are fitted on the validation rows, on which NDCG@10 is measured too, so it
    is slightly too high.

    Args:
        data: the data set.
        settings: of AutoInt+, without `refit`.
        seed: random seed.

    Returns:
        One row per penalty and order ("turn to it": the candidate model alone; "for you"): l2,
        order, slope, popularity_slope, ndcg@10, ndcg@10_ci; lead of "for you" over "turn to it"
        with its bounds, paired by user; and the origin.
    """
    dataset = split_by(data, "temporal")
    split = dataset.split
    task = Task.of(dataset, split.train, split.valid)
    network, encoded, _ = fitted(dataset, "autointmlp", settings, seed)
    surest = full_ranking.model_scorer(predictor(NumpyModel.of(network)), encoded)
    table = []
    for l2 in PENALTIES:
        model = candidates.fit(dataset, split.train, l2)
        turned_to = rankers.turned_to_scorer(dataset, model, split.train)
        orders = {"turn to it": turned_to, "for you": rankers.for_you_scorer(turned_to, surest)}
        per_user = {
            name: metrics.top_k_metrics(task.lists(dataset, scorer), task.relevant)[PRIMARY]
            for name, scorer in orders.items()
        }
        for name, values in per_user.items():
            mean, half = metrics.interval(values)
            row = {"l2": l2, "order": name, "slope": model.slope}
            row |= {"popularity_slope": model.popularity_slope, PRIMARY: mean}
            row |= {f"{PRIMARY}_ci": half}
            if name == "for you":
                lead = metrics.bootstrap_difference(values, per_user["turn to it"])
                row |= dict(zip(("lead", "lead_low", "lead_high"), lead, strict=True))
            table.append(row)
    return pd.DataFrame(table).assign(**provenance.origin(__name__, data.fingerprint))


def list_metrics(dataset: SplitDataset, users: np.ndarray, top_k: np.ndarray) -> dict[str, float]:
    """Metrics of lists as a whole.

    Args:
        dataset: the data set.
        users: position of each list's user, shape (users,).
        top_k: movie positions, shape (users, k); -1 for no movie.

    Returns:
        coverage, gini, novelty and overlap, see `metrics`; few_raters, the share of places with a
        movie that fewer than 20 users rated in the known rows; favourite_liked and
        favourite_listed, the mean share of each user's favourite genre (the most frequent one)
        among their known liked movies and in their list, without users who like no movie.
    """
    data, known = dataset.data, dataset.split.known
    movies = len(data.movies)
    raters = np.bincount(data.rating_movies[known], minlength=movies)
    genres = data.movies["genres"].str.get_dummies("|").to_numpy(np.float32)
    liked = dataset.rated(known[data.labels[known] > 0])[users]
    counts = liked @ genres
    favourite = counts.argmax(axis=1)
    total = np.maximum(liked.sum(axis=1), 1)
    filled = top_k >= 0
    of_favourite = genres.T[favourite[:, None], np.maximum(top_k, 0)] * filled
    has_liked = counts.any(axis=1)
    return {
        "coverage": metrics.coverage(top_k, movies),
        "gini": metrics.gini(top_k, movies),
        "novelty": metrics.novelty(top_k, raters, len(data.users)),
        "overlap": metrics.overlap(top_k),
        "few_raters": float((raters[top_k[filled]] < 20).mean()),
        "favourite_liked": float((counts.max(axis=1) / total)[has_liked].mean()),
        "favourite_listed": float(
            (of_favourite.sum(axis=1) / np.maximum(filled.sum(axis=1), 1))[has_liked].mean()
        ),
    }
