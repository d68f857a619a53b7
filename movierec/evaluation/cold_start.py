"""The protocol `new-users`: users who are not in training, after 0, 1, 3, 5 or 10 known ratings.

The scored rows are always the same: all but each user's first ten ratings. A model represents a
new user by its unknown user id ("profile only") or by an embedding learnt from the first ratings
("folded in"); AutoInt+ with history reads the first ratings, and baselines are fitted on them too.
"""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import files, provenance
from movierec.data import encoder_file
from movierec.data.dataset import EncodedDataset, SplitDataset, split_by
from movierec.data.raw_readers import DataError
from movierec.data.rows import UNKNOWN
from movierec.data.schema import RATING, TIMESTAMP
from movierec.data.splits import new_users, order_within_user
from movierec.data.tables import Dataset
from movierec.evaluation import metrics, rankers, summary
from movierec.evaluation.rankers import RankerScores
from movierec.models import artifacts, fold_in, registry, scorer
from movierec.models.history import known_ratings
from movierec.models.numpy_model import NumpyModel
from movierec.training import candidates
from movierec.training.fitting import fitted
from movierec.training.settings import SEED, Settings

RATINGS_KNOWN = (0, 1, 3, 5, 10)
PRIOR_PRECISIONS = (0.5, 1.0, 2.0, 4.0, 8.0)


def scores(
    dataset: SplitDataset, root: Path = files.ROOT
) -> Iterator[tuple[int, np.ndarray, list[RankerScores]]]:
    """For each number of known ratings: the number, the scored rows, and all rankers' scores.

    Raises:
        DataError: see `_scored_rows`.
        ArtifactError: saved files that do not belong together or to the data.
    """
    order, rows = _scored_rows(dataset)
    test = dataset.split.test
    folder = artifacts.model_folder(dataset.data.name, "tuned", root, dataset.protocol.name)
    models = []
    for name in sorted(folder.entries()):
        model, encoder, entry = artifacts.load(folder, name)
        artifacts.check_data(entry, dataset.data, name)
        encoded = dataset.encoded(encoder)
        profile_scores = scorer.predictor(model)(encoded.ids[rows])
        weights = entry["weights_sha256"][:12]
        models.append((registry.TITLES[name], weights, model, encoded, profile_scores))
    saved = folder.content().get(artifacts.HISTORY)
    if saved is not None:
        with_history = artifacts.load_arrays(folder, artifacts.HISTORY, dataset.data)
        encoder = encoder_file.load(folder.encoder, saved["encoder_sha256"])
        ids, users = dataset.encoded(encoder).ids[rows], dataset.data.rating_users[rows]
    baselines = list(rankers.tune(dataset))
    for count in RATINGS_KNOWN:
        first = test[order < count]
        known = np.concatenate([dataset.split.known, first])
        table = [baseline.score(dataset, known, rows) for baseline in baselines]
        for title, weights, model, encoded, profile_scores in models:
            name = f"{title}, profile only"
            table.append(RankerScores(name, profile_scores, True, weights=weights))
            if count:
                folded = _folded_scores(model, encoded, first, rows)
                table.append(RankerScores(f"{title}, folded in", folded, True, weights=weights))
        if saved is not None:
            predict = with_history.for_users(known_ratings(dataset.data, first))
            weights = saved["weights_sha256"][:12]
            name = artifacts.TITLES[artifacts.HISTORY]
            table.append(RankerScores(name, predict(ids, users), True, weights=weights))
        yield count, rows, table


def _scored_rows(dataset: SplitDataset) -> tuple[np.ndarray, np.ndarray]:
    """Each test row's rank by time among its user's rows, and the rows to score.

    Raises:
        DataError: there are no rows to score.
    """
    test, data = dataset.split.test, dataset.data
    times = data.ratings[TIMESTAMP].to_numpy()
    order = order_within_user(data.rating_users[test], times[test])
    rows = test[order >= max(RATINGS_KNOWN)]
    if not len(rows):
        raise DataError(
            f"no new user of {data.name} has more than {max(RATINGS_KNOWN)} ratings, so there are "
            "no rows to score"
        )
    return order, rows


def _folded_scores(
    model: NumpyModel,
    encoded: EncodedDataset,
    first: np.ndarray,
    rows: np.ndarray,
    prior_precision: float = fold_in.PRIOR_PRECISION,
) -> np.ndarray:
    """Scores of `rows` after folding in their users with the rows `first`."""
    users, ratings = encoded.data.rating_users, encoded.data.ratings[RATING].to_numpy()
    new, index = np.unique(users[first], return_inverse=True)
    known = encoded.ids[first], ratings[first], index
    vectors = fold_in.fold_in(model, *known, prior_precision, encoded.data.scale)
    return fold_in.score(model, encoded.ids[rows], vectors, np.searchsorted(new, users[rows]))


def lists(dataset: SplitDataset, root: Path = files.ROOT) -> pd.DataFrame:
    """How good the lists of new users are, and how much they change, after a few known ratings.

    A list has the ten best of all movies but the user's first ten; relevant are the movies among
    the later ones that they liked. So the same movies are ranked for each number of known ratings.

    Args:
        dataset: the data set, split by the protocol `new-users`.
        root: the folder that contains `model/`.

    Returns:
        One row per number of known ratings and ranker ("for you" and "surest" of AutoInt+, the
        number of ratings of the movie, and "EASE", the candidate model's weights alone):
        ratings_known, ranker, users, ndcg@10 and ndcg@10_ci; changed, the mean number of the ten
        movies that are not in the ranker's list without known ratings; weights.

    Raises:
        ArtifactError: saved files that do not belong together or to the data.
    """
    data, test, known = dataset.data, dataset.split.test, dataset.split.known
    order, later = _scored_rows(dataset)
    later = later[data.labels[later] > 0]
    users, index = np.unique(data.rating_users[later], return_index=True)
    rows, relevant = later[index], data.matrix(later)[users]
    early = test[order < max(RATINGS_KNOWN)]
    ranked = data.matrix(early)[users].toarray() == 0
    folder = artifacts.model_folder(data.name, "tuned", root, dataset.protocol.name)
    model, encoder, entry = artifacts.load(folder, "autointmlp")
    artifacts.check_data(entry, data, "autointmlp")
    encoded = dataset.encoded(encoder)
    candidate_model = candidates.fit(dataset)
    popularity = np.bincount(data.rating_movies[known], minlength=len(data.movies))
    table, first_lists = [], {}
    for count in RATINGS_KNOWN:
        first = test[order < count]
        liked = data.matrix(first[data.labels[first] > 0])[users]
        turned_to = candidate_model.log_probability(liked, ranked)
        surest = _probabilities(model, encoded, first, rows)
        scores = {
            "AutoInt+, tuned setting: for you": turned_to + np.log(surest),
            "AutoInt+, tuned setting: surest": surest,
            "number of ratings of the movie": np.broadcast_to(popularity, surest.shape),
            "EASE": candidate_model.terms(liked)[0],
        }
        for name, values in scores.items():
            best = np.argsort(-np.where(ranked, values, -np.inf), axis=1, kind="stable")[:, :10]
            listed = np.zeros(ranked.shape, bool)
            np.put_along_axis(listed, best, True, axis=1)
            changed = (listed & ~first_lists.setdefault(name, listed)).sum(axis=1).mean()
            mean, half = metrics.interval(metrics.top_k_metrics(best, relevant)["ndcg@10"])
            row = {"ratings_known": count, "ranker": name, "users": len(users)}
            row |= {"ndcg@10": mean, "ndcg@10_ci": half, "changed": changed}
            row["weights"] = entry["weights_sha256"][:12] if name.startswith("AutoInt") else ""
            table.append(row)
    return pd.DataFrame(table)


def _probabilities(
    model: NumpyModel, encoded: EncodedDataset, first: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """P(like it) of all movies for the user and time of each row, float32, (rows, movies).

    The users are folded in with the rows `first`; those without one are unknown.
    """
    users, ratings = encoded.data.rating_users, encoded.data.ratings[RATING].to_numpy()
    index = np.searchsorted(users[rows], users[first])  # `rows` has one per user, in order
    kept = np.isin(users[first], users[rows])
    vectors = np.tile(model.table[UNKNOWN], (len(rows), 1))
    if len(first):
        known = encoded.ids[first[kept]], ratings[first[kept]], index[kept]
        folded = fold_in.fold_in(model, *known, scale=encoded.data.scale)
        vectors[: len(folded)] = folded
    predict = scorer.predictor(model.with_users(vectors))
    movies = np.arange(len(encoded.movie_ids))
    found = []
    for number, row in enumerate(rows):
        ids = encoded.with_movies(np.full(len(movies), row), movies)
        ids[:, 0] = 1 + number
        found.append(predict(ids))
    return np.array(found)


def tune_prior(data: Dataset, settings: Settings, seed: int = SEED) -> pd.DataFrame:
    """Metrics of each prior precision on new users that the protocol does not test.

    A tenth of the protocol's training users is held out, and the model is trained on the rest.

    Args:
        data: the data set.
        settings: of the model, with `refit`.
        seed: random seed.

    Returns:
        One row per prior precision and number of known ratings: prior_precision, ratings_known,
        the metrics of `summary.of_rows`, and the origin: code, versions, data.
    """
    dataset = split_by(data, "new-users")
    dataset = dataclasses.replace(dataset, split=new_users(data, dataset.split.known))
    network, encoded, _ = fitted(dataset, "autointmlp", settings, seed)
    model = NumpyModel.of(network)
    order, rows = _scored_rows(dataset)
    table = []
    for precision in PRIOR_PRECISIONS:
        for count in RATINGS_KNOWN[1:]:
            first = dataset.split.test[order < count]
            folded = _folded_scores(model, encoded, first, rows, precision)
            values = summary.flat(summary.of_rows(data, rows, folded))
            table.append({"prior_precision": precision, "ratings_known": count} | values)
    return pd.DataFrame(table).assign(**provenance.origin(__name__, data.fingerprint))
