"""The rankers that are compared: every baseline and every saved model, with test-set scores.

Baselines are tuned on the validation rows and then fitted on training and validation rows together,
as the tuned models are.
"""

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from movierec import files
from movierec.data import encoder_file
from movierec.data.dataset import EncodedDataset, SplitDataset
from movierec.data.rows import UNKNOWN
from movierec.data.schema import TIMESTAMP
from movierec.evaluation import baselines, full_ranking, metrics
from movierec.evaluation.baselines import Interactions, PairScorer
from movierec.evaluation.full_ranking import RowScorer
from movierec.models import artifacts, history, next_movie, registry
from movierec.models.artifacts import HISTORY, NEXT_MOVIE
from movierec.models.candidates import POOL, CandidateModel
from movierec.models.history import HistoryModel
from movierec.models.next_movie import NextMovieModel
from movierec.models.scorer import Predictor, predictor
from movierec.training import candidates, named_settings, settings
from movierec.training.fitting import fit_rows

Scorer = Callable[[np.ndarray], np.ndarray]  # row indices → scores
Fit = Callable[..., Scorer]  # hyperparameters → scorer
Fitter = Callable[[SplitDataset, np.ndarray], Fit]  # data set and rows to fit on → fit


@dataclass(frozen=True)
class RankerScores:
    """A ranker's scores of the test rows, or its lists.

    Args:
        name: the name in tables.
        scores: one per test row; for full ranking, the rank of the row's movie.
        probability: whether the scores are probabilities.
        top_k: for full ranking, the ten best movies for every row, as positions.
        chosen: the hyperparameters chosen on validation rows, as text.
        weights: of our models, the first 12 digits of the SHA-256 of the weights file.
    """

    name: str
    scores: np.ndarray
    probability: bool = False
    top_k: np.ndarray | None = None
    chosen: str = ""
    weights: str = ""

    @property
    def model(self) -> bool:
        """Whether it is one of our models rather than a baseline."""
        return bool(self.weights)


@dataclass(frozen=True)
class Baseline:
    """A baseline that scores pairs of users and movies.

    Args:
        name: the name in tables.
        fit: function from interactions and hyperparameters to a scorer.
        options: hyperparameter → values to try, in all combinations.
        probability: whether its scores are probabilities.
    """

    name: str
    fit: Callable[..., PairScorer]
    options: dict[str, tuple]
    probability: bool = False


BASELINES = (
    Baseline("random order", baselines.random_order, {}),
    Baseline("number of ratings of the movie", baselines.popularity, {}),
    Baseline("movie mean", baselines.movie_mean, {"smoothing": (1, 3, 10, 30)}, True),
    Baseline("user and movie biases", baselines.biases, {"l2": (1, 3, 10)}),
    Baseline("matrix factorisation (ALS)", baselines.matrix_factorization, {"l2": (0.7, 1.0, 1.4)}),
)
FULL_RANKING_BASELINES = (
    Baseline(
        "implicit ALS", baselines.implicit_als, {"factors": (32, 64, 128), "l2": (0.01, 1.0, 10.0)}
    ),
    Baseline("EASE", baselines.ease, {"l2": (100, 300, 1000, 3000, 10_000)}),
)


def _combinations(options: dict[str, tuple]) -> list[dict]:
    values = itertools.product(*options.values())
    return [dict(zip(options, chosen, strict=True)) for chosen in values]


def _text(hyperparameters: dict) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in hyperparameters.items())


def _pair_fitter(fit: Callable[..., PairScorer]) -> Fitter:
    """A fitter for a baseline of pairs."""

    def fitter(dataset: SplitDataset, rows: np.ndarray) -> Fit:
        data = dataset.data
        interactions = Interactions.of(data, rows)

        def fitted(**hyperparameters) -> Scorer:
            scores = fit(interactions, **hyperparameters)
            return lambda rows: scores.pairs(data.rating_users[rows], data.rating_movies[rows])

        return fitted

    return fitter


def _logistic_fitter(dataset: SplitDataset, rows: np.ndarray) -> Fit:
    encoded = dataset.encoded(dataset.fit_encoder(rows))
    dims = encoded.encoder.field_dims

    def fitted(C: float) -> Scorer:
        labels = dataset.data.labels[rows]
        model = baselines.logistic_regression(encoded.ids[rows], labels, dims, C)
        return lambda rows: model.predict_proba(baselines.one_hot(encoded.ids[rows], dims))[:, 1]

    return fitted


def _fm_fitter(dataset: SplitDataset, rows: np.ndarray) -> Fit:
    encoded = dataset.encoded(dataset.fit_encoder(rows))

    def fitted(**hyperparameters) -> Scorer:
        chosen = dataclasses.replace(named_settings.FM, **hyperparameters)
        chosen = named_settings.sized(chosen, dataset.data)
        dims = encoded.encoder.field_dims
        model, _ = fit_rows("fm", dims, encoded.rows(rows), None, chosen, settings.SEED)
        predict = predictor(model)
        return lambda rows: predict(encoded.ids[rows])

    return fitted


# The factorisation machine's hyperparameters are the best of its grid (see search.grids): a
# search for every protocol would take hours.
FM_OPTIONS = {
    name: (getattr(named_settings.FM, name),) for name in ("embed_dim", "l2_embedding", "epochs")
}


@dataclass(frozen=True)
class TunedRanker:
    """A baseline with the hyperparameters chosen on validation rows.

    Args:
        name: the name in tables.
        fitter: see `Fitter`.
        hyperparameters: the chosen ones.
        calibration: turns scores into probabilities (Platt 1999); None if the scores are
            probabilities already or if it would reverse their order.
        probability: whether the final scores are probabilities.
    """

    name: str
    fitter: Fitter
    hyperparameters: dict
    calibration: LogisticRegression | None
    probability: bool

    def score(self, dataset: SplitDataset, known: np.ndarray, test: np.ndarray) -> RankerScores:
        """Fit on the rows `known` and score the rows `test`."""
        scores = self.fitter(dataset, known)(**self.hyperparameters)(test)
        if self.calibration is not None:
            scores = self.calibration.predict_proba(scores[:, None])[:, 1]
        chosen = _text(self.hyperparameters)
        return RankerScores(self.name, scores, self.probability, chosen=chosen)


def tune(dataset: SplitDataset) -> Iterator[TunedRanker]:
    """Every baseline with the hyperparameters of the highest AUC on the validation rows."""
    split = dataset.split
    labels = dataset.data.labels[split.valid]
    fitters = [(b.name, _pair_fitter(b.fit), b.options, b.probability) for b in BASELINES]
    fields = f"on {len(dataset.data.fields.all)} fields"
    fitters += [
        (f"logistic regression {fields}", _logistic_fitter, {"C": (0.1, 0.3, 1.0)}, True),
        (f"factorisation machine {fields}", _fm_fitter, FM_OPTIONS, True),
    ]
    for name, fitter, options, probability in fitters:
        fit, trials = fitter(dataset, split.train), []
        for hyperparameters in _combinations(options):
            scores = fit(**hyperparameters)(split.valid)
            trials.append((roc_auc_score(labels, scores), hyperparameters, scores))
        _, hyperparameters, scores = max(trials, key=lambda trial: trial[0])
        calibration = None
        if not probability:
            calibration = LogisticRegression().fit(scores[:, None], labels)
            probability = bool(calibration.coef_[0, 0] > 0)
        yield TunedRanker(
            name, fitter, hyperparameters, calibration if probability else None, probability
        )


def baseline_scores(dataset: SplitDataset) -> Iterator[RankerScores]:
    """Every baseline's scores of the test rows, as the protocol defines them."""
    if dataset.protocol.full_ranking:
        yield from _full_ranking_scores(dataset)
        return
    for ranker in tune(dataset):
        yield ranker.score(dataset, dataset.split.known, dataset.split.test)


def _full_ranking_scores(dataset: SplitDataset) -> Iterator[RankerScores]:
    """Every baseline's ranks, with the hyperparameters of the highest NDCG@10 on validation."""
    split = dataset.split

    def validation_ndcg(score: RowScorer) -> float:
        found, _ = full_ranking.ranks(dataset, split.valid, split.train, score, 0)
        return metrics.one_relevant(found)["ndcg@10"].mean()

    for name, score, chosen in tuned_scorers(dataset, validation_ndcg):
        found, top_k = full_ranking.ranks(dataset, split.test, split.known, score)
        yield RankerScores(name, found, top_k=top_k, chosen=chosen)


def tuned_scorers(
    dataset: SplitDataset, validation_metric: Callable[[RowScorer], float]
) -> Iterator[tuple[str, RowScorer, str]]:
    """Every baseline that can score all movies: name, scorer and chosen hyperparameters.

    Args:
        dataset: the data set.
        validation_metric: what the hyperparameters are chosen by (higher is better), computed from
            a baseline that is fitted on the training rows. The yielded one is fitted on training
            and validation rows.
    """
    data, split = dataset.data, dataset.split
    train, known = (Interactions.of(data, rows) for rows in (split.train, split.known))

    def scorer_of(fitted: PairScorer) -> RowScorer:
        return lambda rows: fitted.all_movies(data.rating_users[rows])

    for baseline in BASELINES + FULL_RANKING_BASELINES:
        trials = []
        for hyperparameters in _combinations(baseline.options):
            value = validation_metric(scorer_of(baseline.fit(train, **hyperparameters)))
            trials.append((value, hyperparameters))
        _, hyperparameters = max(trials, key=lambda trial: trial[0])
        fitted = baseline.fit(known, **hyperparameters)
        yield baseline.name, scorer_of(fitted), _text(hyperparameters)


@dataclass(frozen=True)
class ListRanker:
    """A saved model with one order of a list.

    Args:
        name: the name in tables.
        scorer: scores of all movies for given rows.
        weights: the first 12 digits of the SHA-256 of the weights.
        probability: P(like it) of pairs, from row indices and movie positions, both of shape
            (pairs,); None for a model without it.
    """

    name: str
    scorer: RowScorer
    weights: str
    probability: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None


def model_rankers(
    dataset: SplitDataset, rows: np.ndarray, root: Path = files.ROOT
) -> Iterator[ListRanker]:
    """The saved models of the data set and protocol, with each order of a list.

    AutoInt and AutoInt+ have every order, see `Recommender.recommend`: "surest" is the probability
    that they give, "for you" the probability of the candidate model times that, and "carry on" the
    probability of the next-movie model times that. A model that has learnt from unrated movies has
    only the first. As in a list, the products rank only the `POOL` movies with the highest first
    probability. The next-movie model alone is a ranker too, called "next movie".

    Args:
        dataset: the data set, split by a protocol.
        rows: the row indices that will be scored; their P(like it) is computed once and kept.
        root: the folder that contains `model/`.

    Raises:
        ArtifactError: files that do not belong together or to the data.
    """
    known = dataset.split.known
    first_stages = {"for you": turned_to_scorer(dataset, candidates.fit(dataset), known)}
    folder = artifacts.model_folder(dataset.data.name, root=root, protocol=dataset.protocol.name)
    saved = folder.content().get(NEXT_MOVIE)
    if saved is not None:
        model = artifacts.load_arrays(folder, NEXT_MOVIE, dataset.data)
        first_stages["carry on"] = rated_next_scorer(dataset, model, known)
        weights = saved["weights_sha256"][:12]
        yield ListRanker("next movie", first_stages["carry on"], weights)
    for title, entry, predict, encoded in _saved_models(dataset, root):
        surest = kept_scorer(full_ranking.model_scorer(predict, encoded), rows)
        orders = {"surest": surest}
        if not entry["settings"]["unrated_per_row"]:
            for name, stage in first_stages.items():
                orders[name] = pooled_scorer(stage, product_scorer(stage, surest), POOL)
        pairs = _pair_probability(predict, encoded)
        for order, scorer in orders.items():
            weights = entry["weights_sha256"][:12]
            yield ListRanker(f"{title}: {order}", scorer, weights, pairs)


def kept_scorer(scorer: RowScorer, rows: np.ndarray) -> RowScorer:
    """A scorer with the scores of `rows` computed in advance; it can score no other rows."""
    order = np.argsort(rows)
    starts = range(0, len(rows), full_ranking.BLOCK)
    scores = np.concatenate([scorer(rows[s : s + full_ranking.BLOCK]) for s in starts])
    return lambda wanted: scores[order[np.searchsorted(rows, wanted, sorter=order)]]


def _pair_probability(predict: Predictor, encoded: EncodedDataset) -> Callable:
    return lambda rows, movies: predict(encoded.with_movies(rows, movies))


def turned_to_scorer(dataset: SplitDataset, model: CandidateModel, known: np.ndarray) -> RowScorer:
    """The logarithm of P(turn to it) of all movies, given the known rows."""
    data = dataset.data
    liked, rated = data.matrix(known[data.labels[known] > 0]), data.matrix(known)

    def scorer(rows: np.ndarray) -> np.ndarray:
        users = data.rating_users[rows]
        # rated movies are left out of the list by the caller, but need a finite score
        logs = model.log_probability(liked[users], rated[users].toarray() == 0)
        return np.maximum(logs, -1e6)

    return scorer


def rated_next_scorer(dataset: SplitDataset, model: NextMovieModel, known: np.ndarray) -> RowScorer:
    """The logarithm of P(rates it next) of all movies, given the known ratings before each row.

    Ratings of the same second are in the order of the file.
    """
    data = dataset.data
    rated = data.matrix(known)
    users, times = data.rating_users, data.ratings[TIMESTAMP].to_numpy()
    order = np.lexsort((times, users))  # stable: by user, time and row index
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    places = np.sort(place[known])
    movies = data.rating_movies[order[places]]
    first = np.searchsorted(users[order], np.arange(len(data.users)))

    def scorer(rows: np.ndarray) -> np.ndarray:
        stop = np.searchsorted(places, place[rows])
        start = np.maximum(np.searchsorted(places, first[users[rows]]), stop - next_movie.LENGTH)
        positions = start[:, None] + np.arange(max(1, np.max(stop - start, initial=0)))
        histories = np.full(positions.shape, -1)
        inside = positions < stop[:, None]
        histories[inside] = movies[positions[inside]]
        logs = model.log_probability(histories, rated[users[rows]].toarray() == 0)
        return np.maximum(logs, -1e6)  # as in `turned_to_scorer`

    return scorer


def product_scorer(first_stage: RowScorer, surest: RowScorer) -> RowScorer:
    """The logarithm of P(turn to it) · P(like it), from the two scorers."""
    return lambda rows: first_stage(rows) + np.log(surest(rows))


def pooled_scorer(first_stage: RowScorer, product: RowScorer, pool: int) -> RowScorer:
    """`product` for the `pool` best movies of the first stage; the others come after them."""

    def scorer(rows: np.ndarray) -> np.ndarray:
        logs, scores = first_stage(rows), product(rows)
        others = np.argsort(-logs, axis=1, kind="stable")[:, pool:]
        np.put_along_axis(scores, others, logs.min() - 1e6, axis=1)
        return scores

    return scorer


def _saved_models(dataset: SplitDataset, root: Path) -> Iterator[tuple]:
    """Title, manifest entry, predictor and encoded data of every saved model of the protocol."""
    for setting in named_settings.SETTINGS:
        folder = artifacts.model_folder(dataset.data.name, setting, root, dataset.protocol.name)
        for name in sorted(folder.entries()):
            model, encoder, entry = artifacts.load(folder, name)
            artifacts.check_data(entry, dataset.data, name)
            title = f"{registry.TITLES[name]}, {setting} setting"
            if not entry["settings"]["refit"]:
                title += ", training rows only"
            yield title, entry, predictor(model), dataset.encoded(encoder)
    folder = artifacts.model_folder(dataset.data.name, root=root, protocol=dataset.protocol.name)
    entry = folder.content().get(HISTORY)
    if entry is not None:
        model = artifacts.load_arrays(folder, HISTORY, dataset.data)
        encoded = dataset.encoded(encoder_file.load(folder.encoder, entry["encoder_sha256"]))
        title = f"{artifacts.TITLES[HISTORY]}, tuned setting"
        yield title, entry, history_predictor(dataset, model, encoded), encoded


def history_predictor(
    dataset: SplitDataset, model: HistoryModel, encoded: EncodedDataset
) -> Predictor:
    """A predictor for encoded rows of the data set's users; the known rows are their history."""
    by_position = history.known_ratings(dataset.data, dataset.split.known)
    users = by_position.shape[0]
    position = np.full(encoded.encoder.field_dims[0], users)  # of each user id
    position[encoded.user_ids[:, 0]] = np.arange(users)
    position[UNKNOWN] = users
    nobody = sparse.csr_array((1, by_position.shape[1]), dtype=np.float32)
    predict = model.for_users(sparse.vstack([by_position, nobody]).tocsr())
    return lambda ids: predict(ids, position[ids[:, 0]])


def model_scores(dataset: SplitDataset, root: Path = files.ROOT) -> Iterator[RankerScores]:
    """The test-row scores of every saved model of the data set and protocol.

    Raises:
        ArtifactError: files that do not belong together or to the data.
    """
    split = dataset.split
    if dataset.protocol.full_ranking:
        for ranker in model_rankers(dataset, split.test, root):
            found, top_k = full_ranking.ranks(dataset, split.test, split.known, ranker.scorer)
            yield RankerScores(ranker.name, found, top_k=top_k, weights=ranker.weights)
        return
    for title, entry, predict, encoded in _saved_models(dataset, root):
        weights = entry["weights_sha256"][:12]
        yield RankerScores(title, predict(encoded.ids[split.test]), True, weights=weights)
