"""Measure how far attention and the score without each field agree."""

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from movierec import files
from movierec.data.schema import MOVIE, USER
from movierec.data.tables import Dataset
from movierec.evaluation import metrics
from movierec.models import artifacts, registry
from movierec.serving import recommender
from movierec.serving.explanation import explain
from movierec.serving.lookups import Lookups
from movierec.serving.recommender import Recommender


def agreement(recommender: Recommender, count: int = 500, seed: int = 0) -> dict:
    """Rank correlation of attention and score changes on random recommendations.

    A recommendation is a random movie of the ten that a random user most probably likes (the order
    "surest"). Fields that are unknown in the row (such as the third genre of a movie with two)
    cannot change the score and are left out.

    Args:
        recommender: the recommender.
        count: number of users.
        seed: random seed.

    Returns:
        recommendations; correlation, low, high: mean over recommendations of Spearman's rank
        correlation, over the fields, between the attention that a field receives and the absolute
        change of the log-odds without it, with its 95 % bootstrap interval; other: the same
        correlation with another recommendation's changes, which shows how much of it does not
        depend on the recommendation;
        attention_least, attention_most: the least and the most attention a field receives on
        average; decisive: the field with the largest mean absolute change; change: that mean.
    """
    rng = np.random.default_rng(seed)
    users = recommender.data.users[USER].to_numpy()
    explanations = []
    for user_id in rng.choice(users, min(count, len(users)), False):
        candidates = recommender.candidates(int(user_id))
        most = min(10, int(candidates.unrated.sum()))
        movies = recommender.rank(candidates, most, order="surest")
        explanations.append(explain(recommender, candidates, int(rng.choice(movies[MOVIE]))))
    received = np.array([explanation.received for explanation in explanations])
    known = np.array([explanation.field_values for explanation in explanations]) != ""
    changes = np.abs([explanation.changes for explanation in explanations])
    changes = np.where(known, changes, np.nan)
    own = _correlations(received, changes)
    mean, low, high = metrics.bootstrap_difference(own, np.zeros(len(own)))
    attention = received.mean(axis=0)
    change = np.nansum(changes, axis=0) / np.maximum(known.sum(axis=0), 1)
    return {
        "recommendations": len(own),
        "correlation": mean,
        "low": low,
        "high": high,
        "other": float(_correlations(received, np.roll(changes, 1, axis=0)).mean()),
        "attention_least": float(attention.min()),
        "attention_most": float(attention.max()),
        "decisive": recommender.encoder.features[int(change.argmax())],
        "change": float(change.max()),
    }


def _correlations(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Spearman's rank correlation of each row of two tables; NaN in `theirs` is left out."""
    return np.array(
        [
            spearmanr(a[~np.isnan(b)], b[~np.isnan(b)]).statistic
            for a, b in zip(ours, theirs, strict=True)
        ]
    )


def table(data: Dataset, root=files.ROOT) -> pd.DataFrame:
    """`agreement` of every committed model of a data set, one row per model.

    Raises:
        ArtifactError: see `recommender.attach`.
    """
    lookups = Lookups(data)
    return pd.DataFrame(
        [
            {"model": registry.TITLES[name]} | agreement(recommender.attach(lookups, name, root))
            for name in sorted(artifacts.model_folder(data.name, root=root).entries())
        ]
    )
