"""Rank artists by popularity, item-kNN or ALS, tune the settings, and evaluate the rankings."""

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

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

from movierec.artists.plays import Holdout, Plays, holdout
from movierec.data.raw_readers import DataError
from movierec.errors import quoted
from movierec.evaluation import metrics

BM25 = {"bm25, K1 1.2": 1.2, "bm25, K1 10": 10.0, "bm25, K1 100": 100.0}
WEIGHTINGS = ("plays", "log", *BM25)
TopK = np.ndarray  # int, shape (users, k): columns of recommended artists, best first, -1 for none


@dataclass(frozen=True)
class AlsSettings:
    """Hyperparameters of implicit-feedback ALS. The defaults are the original's.

    Args:
        factors: length of the vectors.
        regularization: weight of the penalty.
        iterations: number of alternations.
        weighting: how plays become confidences, see `weighted`.
        alpha: mean confidence of the played artists, to which the weights are scaled; None leaves
            them unscaled. Artists without plays have the confidence 1. The effect of
            `regularization` depends on the scale, so compare weightings only at the same alpha.
    """

    factors: int = 100
    regularization: float = 0.01
    iterations: int = 15
    weighting: str = "plays"
    alpha: float | None = None


# Chosen on HetRec 2011's validation artists, see notebooks/recommender_system/.
TUNED = AlsSettings(factors=256, regularization=50.0, weighting="bm25, K1 1.2", alpha=10.0)
TUNED_KNN = {"neighbours": 1000, "weighting": "bm25, K1 1.2"}
ALS_COLUMNS = ("factors", "regularization", "alpha")  # of the table of `search`
FAVOURITE_PLAYS = 100


def weighted(counts: sparse.csr_array, weighting: str) -> sparse.csr_matrix:
    """Weight of each play count as evidence of a preference.

    - "plays": the count itself.
    - "log": `1 + log(1 + count)`, so that a thousand plays do not weigh a thousand times as much
      as one.
    - "bm25, K1 …": BM25 (with B 0.8), where artists are documents and users are terms:
      `count · (K1 + 1) / (K1 · length + count) · idf`. The smaller K1, the sooner the weight
      levels off. Artists with many plays (long documents) and users with many artists (frequent
      terms) weigh less.

    Raises:
        ValueError: another weighting.
    """
    matrix = sparse.csr_matrix(counts, dtype=np.float32)
    if weighting in BM25:
        return bm25_weight(matrix.T, BM25[weighting], B=0.8).T.tocsr().astype(np.float32)
    if weighting == "log":
        matrix.data = 1 + np.log1p(matrix.data)
    elif weighting != "plays":
        raise ValueError(f"`weighting` must be one of {WEIGHTINGS}. Received: {weighting!r}")
    return matrix


def confidence(counts: sparse.csr_array, settings: AlsSettings) -> sparse.csr_matrix:
    """Weights of the play counts, scaled to a mean of `settings.alpha`."""
    matrix = weighted(counts, settings.weighting)
    if settings.alpha is None:
        return matrix
    return matrix * np.float32(settings.alpha / matrix.data.mean())


def fit_als(
    counts: sparse.csr_array, settings: AlsSettings, seed: int = 42
) -> AlternatingLeastSquares:
    """Fit implicit-feedback ALS (Hu, Koren & Volinsky 2008); its items are columns of `counts`."""
    with threadpool_limits(1, "blas"):  # the library runs its own threads
        model = AlternatingLeastSquares(
            settings.factors,
            regularization=settings.regularization,
            iterations=settings.iterations,
            random_state=seed,
        )
        model.fit(confidence(counts, settings), show_progress=False)
    return model


def fit_knn(counts: sparse.csr_array, neighbours: int, weighting: str) -> CosineRecommender:
    """Fit item-kNN: each artist's nearest neighbours by the cosine of their users' weights."""
    model = CosineRecommender(K=neighbours)
    with warnings.catch_warnings():
        # The library transposes the matrix itself, then warns that it had to convert it.
        warnings.simplefilter("ignore", ParameterWarning)
        model.fit(weighted(counts, weighting), show_progress=False)
    return model


def top_k(model: RecommenderBase, counts: sparse.csr_array, weighting: str, k: int = 10) -> TopK:
    """Each user's k best artists among those without plays in `counts`."""
    users = np.arange(counts.shape[0])
    with threadpool_limits(1, "blas"):
        columns, scores = model.recommend(users, weighted(counts, weighting), N=k)
    return np.where(scores > -1e30, columns, -1)


def most_popular(counts: sparse.csr_array, k: int = 10) -> TopK:
    """The k artists with the most listeners among those that the user has not played."""
    listeners = np.bincount(counts.indices, minlength=counts.shape[1])
    longest = int(np.diff(counts.indptr).max()) + k
    best = np.argsort(-listeners, kind="stable")[:longest]
    unplayed = counts[:, best].toarray() == 0
    order = np.argsort(~unplayed, axis=1, kind="stable")[:, :k]
    return np.where(np.take_along_axis(unplayed, order, axis=1), best[order], -1)


def table(lists: dict[str, TopK], relevant: sparse.csr_array, reference: str) -> pd.DataFrame:
    """Metrics of every ranker's lists with 95 % intervals over users, as text.

    One row per ranker: Recall@k and NDCG@k of the held-out plays `relevant`, of shape
    (users, artists), the lead in NDCG over the `reference` ranker, paired by user, and catalogue
    coverage.
    """
    per_user = {name: metrics.top_k_metrics(top, relevant) for name, top in lists.items()}
    rows = {}
    for name, top in lists.items():
        values, k = per_user[name], top.shape[1]
        recall, ndcg = f"recall@{k}", f"ndcg@{k}"
        row = {
            metric: metrics.as_text(metrics.interval(values[metric])) for metric in (recall, ndcg)
        }
        lead = metrics.bootstrap_difference(values[ndcg], per_user[reference][ndcg])
        text = metrics.lead_as_text(*lead)
        row[f"lead in {ndcg} over {reference}"] = "–" if name == reference else text
        row["coverage"] = f"{metrics.coverage(top, relevant.shape[1]):.1%}"
        rows[name] = row
    return pd.DataFrame(rows).T.rename_axis("ranker")


def search(
    parts: Holdout,
    factors: Sequence[int],
    regularization: Sequence[float],
    alpha: Sequence[float],
    neighbours: Sequence[int],
) -> pd.DataFrame:
    """Fit every combination of values to the training artists and score it on validation artists.

    All weightings are tried, ALS with each `factors`, `regularization` and `alpha`, item-kNN with
    each number of `neighbours`.

    Returns:
        One row per combination, highest NDCG first: model, weighting, factors, regularization and
        alpha, or neighbours; mean recall@10, mean ndcg@10, and ndcg@10_ci, the half-width of its
        95 % interval over users.
    """
    rows = []
    for weighting, *values in itertools.product(WEIGHTINGS, factors, regularization, alpha):
        chosen = dict(zip(ALS_COLUMNS, values, strict=True))
        model = fit_als(parts.train, AlsSettings(weighting=weighting, **chosen))
        row = {"model": "ALS", "weighting": weighting} | chosen
        rows.append(row | _validation_means(model, parts, weighting))
    for weighting, count in itertools.product(WEIGHTINGS, neighbours):
        model = fit_knn(parts.train, count, weighting)
        row = {"model": "item-kNN", "weighting": weighting, "neighbours": count}
        rows.append(row | _validation_means(model, parts, weighting))
    return pd.DataFrame(rows).sort_values("ndcg@10", ascending=False, ignore_index=True)


def _validation_means(model: RecommenderBase, parts: Holdout, weighting: str) -> dict[str, float]:
    per_user = metrics.top_k_metrics(top_k(model, parts.train, weighting), parts.valid)
    ndcg, half = metrics.interval(per_user["ndcg@10"])
    return {"recall@10": per_user["recall@10"].mean(), "ndcg@10": ndcg, "ndcg@10_ci": half}


def settings_of(row: pd.Series) -> AlsSettings:
    """The ALS settings of a row of `search`."""
    factors, regularization, alpha = (float(row[name]) for name in ALS_COLUMNS)
    return AlsSettings(int(factors), regularization, weighting=row["weighting"], alpha=alpha)


def evaluate_tuned(plays: Plays) -> tuple[list[str], pd.DataFrame, dict[str, float]]:
    """Compare tuned ALS with popularity, item-kNN and the original's ALS on test artists.

    All rankers are fitted to training and validation artists.

    Returns:
        Notes on the data, a table of all rankers, and tuned ALS's mean recall@10 and ndcg@10.
    """
    parts = holdout(plays.counts)
    known = parts.known
    new_artists = np.bincount(known.indices, minlength=known.shape[1])[parts.test.indices] == 0
    notes = [
        *plays.notes,
        f"{new_artists.mean():.1%} of the test pairs have an artist that has no listener in "
        "training; they count as misses",
    ]
    lists = {
        "popularity": most_popular(known),
        "item-kNN": top_k(fit_knn(known, **TUNED_KNN), known, TUNED_KNN["weighting"]),
    }
    for name, settings in {"ALS, original settings": AlsSettings(), "ALS, tuned": TUNED}.items():
        lists[name] = top_k(fit_als(known, settings), known, settings.weighting)
    means = metrics.top_k_metrics(lists["ALS, tuned"], parts.test).mean()
    summary = means[["recall@10", "ndcg@10"]].to_dict()
    return notes, table(lists, parts.test, "item-kNN"), summary


def recommend(plays: Plays, favourites: Sequence[str], n: int = 10) -> pd.DataFrame:
    """The n best artists for a new listener by tuned ALS, with the columns artist and score.

    Each of the listener's favourites counts as `FAVOURITE_PLAYS` plays.

    Raises:
        DataError: no favourites, an unknown artist, or n below 1 or above the number of the others.
    """
    others = len(plays.artists) - len(set(favourites))
    if not isinstance(n, Integral) or not 1 <= n <= others:
        raise DataError(f"n is {quoted(n)}, expected a whole number from 1 to {others}")
    plays = plays.with_listener(dict.fromkeys(favourites, FAVOURITE_PLAYS))
    listener = plays.counts.shape[0] - 1
    model = fit_als(plays.counts, TUNED)
    columns, scores = model.recommend(listener, confidence(plays.counts, TUNED)[listener], N=n)
    return pd.DataFrame({"artist": plays.artists[columns], "score": scores})


def nearest_map(
    model: AlternatingLeastSquares, columns: np.ndarray, groups: int = 8, seed: int = 42
) -> tuple[np.ndarray, np.ndarray]:
    """Place artists in the plane, similar ones near each other, and cluster them.

    Normalised vectors of the artists at `columns` are placed by t-SNE (van der Maaten & Hinton
    2008) and put into at most `groups` clusters by k-means.

    Returns:
        Coordinates, shape (artists, 2), and cluster numbers, shape (artists,).
    """
    vectors = normalize(model.item_factors[columns])
    count = min(groups, len(columns))
    tsne = TSNE(perplexity=min(20, (len(columns) - 1) / 3), random_state=seed, init="pca")
    with threadpool_limits(1):  # the matrices are small, so more threads would only wait
        clusters = KMeans(count, n_init=4, random_state=seed).fit_predict(vectors)
        return tsne.fit_transform(vectors), clusters
