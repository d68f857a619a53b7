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
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from movierec import files
from movierec.data.dataset import SplitDataset
from movierec.evaluation import baselines, full_ranking, metrics
from movierec.evaluation.baselines import Interactions, PairScorer
from movierec.evaluation.full_ranking import RowScorer
from movierec.models import artifacts, registry, scorer
from movierec.models.candidates import CandidateModel
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
        scores: one per test row; for full ranking, the rank of the row's movie; empty for `future`.
        probability: whether the scores are probabilities.
        top_k: for full ranking and `future`, the ten best movies for every row or user, as
            positions.
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
        chosen = named_settings.sized(chosen, dataset.data.name)
        dims = encoded.encoder.field_dims
        model, _ = fit_rows("fm", dims, encoded.rows(rows), None, chosen, settings.SEED)
        predict = scorer.predictor(model)
        return lambda rows: predict(encoded.ids[rows])

    return fitted


# The factorisation machine's hyperparameters are the best of its grid (see search.grids): a
# search for every protocol would take hours.
FM_OPTIONS = {"embed_dim": (32,), "l2_embedding": (0.3,), "epochs": (9,)}


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
    fitters += [
        ("logistic regression on 13 fields", _logistic_fitter, {"C": (0.1, 0.3, 1.0)}, True),
        ("factorisation machine on 13 fields", _fm_fitter, FM_OPTIONS, True),
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


def model_scorers(
    dataset: SplitDataset, root: Path = files.ROOT
) -> Iterator[tuple[str, RowScorer, str]]:
    """The scorers of all movies of the saved models of the data set and protocol.

    A model has two: the order "surest", its probability, and the order "for you", the probability
    of the candidate model times that. A model that has learnt from unrated movies has only the
    first.

    Yields:
        Name, scorer, and the first 12 digits of the SHA-256 of the weights.

    Raises:
        ArtifactError: files that do not belong together or to the data.
    """
    candidate_model = candidates.fit(dataset)
    turned_to = turned_to_scorer(dataset, candidate_model, dataset.split.known)
    for title, entry, predict, encoded in _saved_models(dataset, root):
        surest = full_ranking.model_scorer(predict, encoded)
        for_you = for_you_scorer(turned_to, surest)
        weights = entry["weights_sha256"][:12]
        yield f"{title}: surest", surest, weights
        if not entry["settings"]["unrated_per_row"]:
            yield f"{title}: for you", for_you, weights


def turned_to_scorer(dataset: SplitDataset, model: CandidateModel, known: np.ndarray) -> RowScorer:
    """The logarithm of P(turn to it) of all movies, given the known rows."""
    data = dataset.data
    liked, rated = dataset.rated(known[data.labels[known] > 0]), dataset.rated(known)

    def scorer(rows: np.ndarray) -> np.ndarray:
        users = data.rating_users[rows]
        # rated movies are left out of the list by the caller, but need a finite score
        logs = model.log_probability(liked[users], rated[users].toarray() == 0)
        return np.maximum(logs, -1e6)

    return scorer


def for_you_scorer(turned_to: RowScorer, surest: RowScorer) -> RowScorer:
    """The logarithm of P(turn to it) · P(like it), from the two scorers."""
    return lambda rows: turned_to(rows) + np.log(surest(rows))


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
            yield title, entry, scorer.predictor(model), dataset.encoded(encoder)


def model_scores(dataset: SplitDataset, root: Path = files.ROOT) -> Iterator[RankerScores]:
    """The test-row scores of every saved model of the data set and protocol.

    Raises:
        ArtifactError: files that do not belong together or to the data.
    """
    split = dataset.split
    if dataset.protocol.full_ranking:
        for title, score, weights in model_scorers(dataset, root):
            found, top_k = full_ranking.ranks(dataset, split.test, split.known, score)
            yield RankerScores(title, found, top_k=top_k, weights=weights)
        return
    for title, entry, predict, encoded in _saved_models(dataset, root):
        weights = entry["weights_sha256"][:12]
        yield RankerScores(title, predict(encoded.ids[split.test]), True, weights=weights)
