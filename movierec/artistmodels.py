"""Rankers of artists and what they are worth on held-out ones."""

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from implicit.cpu.als import AlternatingLeastSquares
from implicit.nearest_neighbours import CosineRecommender, bm25_weight
from implicit.recommender_base import RecommenderBase
from implicit.utils import ParameterWarning
from scipy import sparse
from sklearn.cluster import KMeans
from sklearn.manifold import TSNE
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from movierec import metrics
from movierec.artists import Holdout

BM25 = {"bm25, K1 1.2": 1.2, "bm25, K1 10": 10.0, "bm25, K1 100": 100.0}
WEIGHTINGS = ("plays", "log", *BM25)
Heads = np.ndarray  # int, shape (users, k): columns of the recommended artists, best first


@dataclass(frozen=True)
class ArtistSettings:
    """Implicit-feedback ALS. The defaults are the original's.

    Args:
        factors: length of the vectors.
        regularization: weight of the penalty.
        iterations: rounds of both sides.
        weighting: what an entry counts, see `weighted`.
        alpha: mean confidence of the entries, to which their weights are scaled; None takes the
            weights as they are. What is not played has the confidence 1, and `regularization` is
            measured against both: weightings can only be compared at the same scale.
    """

    factors: int = 100
    regularization: float = 0.01
    iterations: int = 15
    weighting: str = "plays"
    alpha: float | None = None


def weighted(counts: sparse.csr_array, weighting: str) -> sparse.csr_matrix:
    """How much each entry counts as evidence of a preference.

    "plays": the plays themselves. "log": `1 + log(1 + plays)`, so that a thousand plays are not
    worth a thousand times one. "bm25, K1 …": BM25's weight (B 0.8) with artists as documents and
    users as terms, `tf · (K1 + 1) / (K1 · length + tf) · idf`: the smaller K1, the sooner plays
    level off; much-played artists (a long document) and users with many artists (a frequent term)
    count less.

    Raises:
        ValueError: another weighting.
    """
    matrix = sparse.csr_matrix(counts, dtype=np.float32)
    if weighting == "plays":
        return matrix
    if weighting == "log":
        matrix.data = 1 + np.log1p(matrix.data)
        return matrix
    if weighting in BM25:
        return bm25_weight(matrix.T, BM25[weighting], B=0.8).T.tocsr().astype(np.float32)
    raise ValueError(f"`weighting` must be one of {WEIGHTINGS}. Received: {weighting!r}")


def confidence(counts: sparse.csr_array, settings: ArtistSettings) -> sparse.csr_matrix:
    """The entries' weights, at the settings' scale."""
    matrix = weighted(counts, settings.weighting)
    if settings.alpha is None:
        return matrix
    return matrix * np.float32(settings.alpha / matrix.data.mean())


def fit_als(
    counts: sparse.csr_array, settings: ArtistSettings, seed: int = 42
) -> AlternatingLeastSquares:
    """Implicit-feedback ALS (Hu, Koren & Volinsky 2008) by the library `implicit`.

    Its methods `similar_items`, `recommend` and `explain` take the columns of artists.
    """
    with threadpool_limits(1, "blas"):  # the library has threads of its own
        model = AlternatingLeastSquares(
            settings.factors,
            regularization=settings.regularization,
            iterations=settings.iterations,
            random_state=seed,
        )
        model.fit(confidence(counts, settings), show_progress=False)
    return model


def fit_knn(counts: sparse.csr_array, neighbours: int, weighting: str) -> CosineRecommender:
    """Item-kNN: each artist's nearest by the cosine of their listeners."""
    model = CosineRecommender(K=neighbours)
    with warnings.catch_warnings():
        # the library transposes the matrix itself, and then warns that it had to convert it
        warnings.simplefilter("ignore", ParameterWarning)
        model.fit(weighted(counts, weighting), show_progress=False)
    return model


def heads(model: RecommenderBase, counts: sparse.csr_array, weighting: str, k: int = 10) -> Heads:
    """Every user's k best artists among those not in `counts`."""
    users = np.arange(counts.shape[0])
    with threadpool_limits(1, "blas"):
        found, scores = model.recommend(users, weighted(counts, weighting), N=k)
    return np.where(scores > -1e30, found, -1)


def popular(counts: sparse.csr_array, k: int = 10) -> Heads:
    """The artists with most listeners, less those that the user has."""
    listeners = np.bincount(counts.indices, minlength=counts.shape[1])
    longest = int(np.diff(counts.indptr).max()) + k
    best = np.argsort(-listeners, kind="stable")[:longest]
    has = sparse.csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), counts.shape)
    free = has[:, best].toarray() == 0
    order = np.argsort(~free, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(free, order, axis=1), best[order], -1)


def table(of: dict[str, Heads], relevant: sparse.csr_array, best: str) -> pd.DataFrame:
    """Every ranker's metrics with 95 % intervals over users, and its paired lead over `best`."""
    per_user = {name: metrics.of_lists(found, relevant) for name, found in of.items()}
    rows = {}
    for name, found in of.items():
        row = {}
        for metric in ("recall", "ndcg"):
            row[f"{metric}@{found.shape[1]}"] = metrics.as_text(
                metrics.interval(per_user[name][metric])
            )
        lead = metrics.bootstrap_difference(per_user[name]["ndcg"], per_user[best]["ndcg"])
        row[f"lead in ndcg over {best}"] = "–" if name == best else metrics.lead_as_text(*lead)
        row["coverage"] = f"{metrics.coverage(found, relevant.shape[1]):.1%}"
        rows[name] = row
    return pd.DataFrame(rows).T.rename_axis("ranker")


def search(
    parts: Holdout,
    factors: Sequence[int],
    regularization: Sequence[float],
    alpha: Sequence[float],
    neighbours: Sequence[int],
) -> pd.DataFrame:
    """Every combination fitted to the training artists, with its mean metrics on validation ones.

    Returns:
        One row a combination, best NDCG first: model, weighting, factors, regularization and
        alpha, or neighbours; recall, ndcg, and ndcg_ci, half of its 95 % interval over users.
    """
    rows = []
    for weighting, *values in itertools.product(WEIGHTINGS, factors, regularization, alpha):
        chosen = dict(zip(("factors", "regularization", "alpha"), values, strict=True))
        settings = ArtistSettings(weighting=weighting, **chosen)
        found = heads(fit_als(parts.train, settings), parts.train, weighting)
        rows.append({"model": "ALS", "weighting": weighting} | chosen | _means(found, parts))
    for weighting, count in itertools.product(WEIGHTINGS, neighbours):
        found = heads(fit_knn(parts.train, count, weighting), parts.train, weighting)
        row = {"model": "item-kNN", "weighting": weighting, "neighbours": count}
        rows.append(row | _means(found, parts))
    return pd.DataFrame(rows).sort_values("ndcg", ascending=False, ignore_index=True)


def _means(found: Heads, parts: Holdout) -> dict[str, float]:
    values = metrics.of_lists(found, parts.valid)
    ndcg, half = metrics.interval(values["ndcg"])
    return {"recall": values["recall"].mean(), "ndcg": ndcg, "ndcg_ci": half}


def settings_of(row: pd.Series) -> ArtistSettings:
    """The settings in a row of `search`."""
    return ArtistSettings(
        int(row["factors"]),
        float(row["regularization"]),
        weighting=row["weighting"],
        alpha=float(row["alpha"]),
    )


def nearest_map(
    model: AlternatingLeastSquares, columns: np.ndarray, groups: int = 8, seed: int = 42
) -> tuple[np.ndarray, np.ndarray]:
    """Artists in the plane, those of like listeners near each other, and in groups.

    Vectors count by direction; t-SNE places them (van der Maaten & Hinton 2008), k-means groups
    them before that.

    Returns:
        Places, shape (artists, 2), and group numbers, shape (artists,).
    """
    vectors = normalize(model.item_factors[columns])
    count = min(groups, len(columns))
    spread = TSNE(perplexity=min(20, (len(columns) - 1) / 3), random_state=seed, init="pca")
    with threadpool_limits(1):  # small products: threads would wait for each other
        group = KMeans(count, n_init=4, random_state=seed).fit_predict(vectors)
        return spread.fit_transform(vectors), group
