"""Who is compared: every baseline and every saved model, with what each says of the test rows.

Baselines choose their constants by the validation rows, then learn from training and validation
rows together, as the models do.
"""

import contextlib
import dataclasses
import io
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from movierec import artefacts, baselines, catalogue, metrics, scoring, training
from movierec.baselines import Known, Scores
from movierec.grids import GRIDS
from movierec.prepared import Prepared
from movierec.settings import TITLES

Says = Callable[[np.ndarray], np.ndarray]  # from row numbers to their scores
# from prepared data and the rows to learn from to: from constants to what is said
Learn = Callable[[Prepared, np.ndarray], Callable[..., Says]]


@dataclass(frozen=True)
class Contender:
    """A ranker and what it says.

    Args:
        name: as in tables.
        scores: one a test row; where the whole catalogue is ranked, the rank of the row's film.
        probability: whether the scores are probabilities.
        heads: the ten films ranked first for every test row, places in the movies table; only
            where the whole catalogue is ranked.
        chosen: the constants that validation rows chose, as text.
        model: whether it is one of ours rather than a baseline.
    """

    name: str
    scores: np.ndarray
    probability: bool = False
    heads: np.ndarray | None = None
    chosen: str = ""
    model: bool = False


@dataclass(frozen=True)
class Baseline:
    """A baseline that scores pairs of users and films, and the constants to try.

    Args:
        name: as in tables.
        fit: from what is known and constants to scores.
        options: constant → values to try; all combinations are.
        probability: whether its scores are probabilities as they are.
    """

    name: str
    fit: Callable[..., Scores]
    options: dict[str, tuple]
    probability: bool = False


EVERYWHERE = (
    Baseline("random order", baselines.random_order, {}),
    Baseline("number of ratings of the movie", baselines.popularity, {}),
    Baseline("movie mean", baselines.movie_mean, {"smoothing": (1, 3, 10, 30)}, True),
    Baseline("user and movie biases", baselines.biases, {"l2": (1, 3, 10)}),
    Baseline("matrix factorisation (ALS)", baselines.factorisation, {"l2": (0.7, 1.0, 1.4)}),
)
WHOLE_CATALOGUE = (
    Baseline("implicit ALS", baselines.implicit_als, {"factors": (32, 64, 128), "l2": (0.01, 1.0)}),
    Baseline("EASE", baselines.ease, {"l2": (100, 300, 1000)}),
)

# the best of `grids.GRIDS["fm"]`: searching anew for every protocol would take hours
FM = {"embed_dim": (32,), "l2_embedding": (0.3,), "epochs": (9,)}


def _combinations(options: dict[str, tuple]) -> list[dict]:
    values = itertools.product(*options.values())
    return [dict(zip(options, chosen, strict=True)) for chosen in values]


def _text(constants: dict) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in constants.items())


def _by_pairs(fit: Callable[..., Scores]) -> Learn:
    """A baseline of pairs as one that learns from rows and scores rows."""

    def learn(prepared: Prepared, numbers: np.ndarray) -> Callable[..., Says]:
        known = Known.of(prepared, numbers)

        def fitted(**constants) -> Says:
            scores = fit(known, **constants)
            return lambda rows: scores.pairs(prepared.user_places[rows], prepared.movies[rows])

        return fitted

    return learn


def _logistic(prepared: Prepared, numbers: np.ndarray) -> Callable[..., Says]:
    own = prepared.fitted_on(numbers)
    dims = own.encoder.field_dims

    def fitted(C: float) -> Says:
        model = baselines.logistic(own.ids[numbers], own.labels[numbers], dims, C)
        return lambda rows: model.predict_proba(baselines.one_hot(own.ids[rows], dims))[:, 1]

    return fitted


def _machine(prepared: Prepared, numbers: np.ndarray) -> Callable[..., Says]:
    own = prepared.fitted_on(numbers)

    def fitted(**constants) -> Says:
        settings = dataclasses.replace(GRIDS["fm"].base, patience=None, **constants)
        settings = training.sized(settings, prepared.data.name)
        with contextlib.redirect_stdout(io.StringIO()):
            model, _ = training.learnt(
                "fm", own.encoder.field_dims, own.rows(numbers), None, settings, training.SEED
            )
        from movierec import models  # TensorFlow, as above

        predict = models.predictor(model)
        return lambda rows: predict(own.ids[rows])

    return fitted


@dataclass(frozen=True)
class Choice:
    """A baseline for rows, with what validation rows decided.

    Args:
        name: as in tables.
        learn: from prepared data and the rows to learn from to a fit, given constants.
        constants: those of the fit.
        curve: makes scores into probabilities (Platt 1999); None where they are such already, or
            where it would turn their order round.
        probability: whether there are probabilities in the end.
    """

    name: str
    learn: Learn
    constants: dict
    curve: LogisticRegression | None
    probability: bool

    def says(self, prepared: Prepared, known: np.ndarray, test: np.ndarray) -> Contender:
        """Learn from the rows `known`, score the rows `test`."""
        scores = self.learn(prepared, known)(**self.constants)(test)
        if self.curve is not None:
            scores = self.curve.predict_proba(scores[:, None])[:, 1]
        return Contender(self.name, scores, self.probability, chosen=_text(self.constants))


def choose(prepared: Prepared) -> Iterator[Choice]:
    """Every baseline for rows, with the constants of the highest AUC on validation rows."""
    split = prepared.split
    labels = prepared.labels[split.valid]
    learners = [(one.name, _by_pairs(one.fit), one.options, one.probability) for one in EVERYWHERE]
    learners.append(("logistic regression on 13 fields", _logistic, {"C": (0.1, 0.3, 1.0)}, True))
    learners.append(("factorisation machine on 13 fields", _machine, FM, True))
    for name, learn, options, probability in learners:
        fitted, tried = learn(prepared, split.train), []
        for constants in _combinations(options):
            scores = fitted(**constants)(split.valid)
            tried.append((roc_auc_score(labels, scores), constants, scores))
        _, constants, scores = max(tried, key=lambda trial: trial[0])
        curve = None
        if not probability:
            curve = LogisticRegression().fit(scores[:, None], labels)
            probability = bool(curve.coef_[0, 0] > 0)
        yield Choice(name, learn, constants, curve if probability else None, probability)


def of_rows(prepared: Prepared) -> Iterator[Contender]:
    """Baselines where rows are scored: the protocol's test rows."""
    for choice in choose(prepared):
        yield choice.says(prepared, prepared.split.known, prepared.split.test)


def of_catalogue(prepared: Prepared) -> Iterator[Contender]:
    """Baselines where the whole catalogue is ranked; NDCG@10 of the validation films chooses."""
    split = prepared.split
    learnt, final = Known.of(prepared, split.train), Known.of(prepared, split.known)

    def ranks(scores, numbers, known, top):
        places = prepared.user_places
        return catalogue.ranks(
            prepared, numbers, known, lambda rows: scores.of_users(places[rows]), top
        )

    for baseline in EVERYWHERE + WHOLE_CATALOGUE:
        tried = []
        for constants in _combinations(baseline.options):
            found, _ = ranks(baseline.fit(learnt, **constants), split.valid, split.train, 0)
            tried.append((metrics.one_relevant(found)["ndcg"].mean(), constants))
        _, constants = max(tried, key=lambda trial: trial[0])
        found, heads = ranks(baseline.fit(final, **constants), split.test, split.known, 10)
        yield Contender(baseline.name, found, heads=heads, chosen=_text(constants))


def saved_models(prepared: Prepared, root: Path = artefacts.ROOT) -> Iterator[Contender]:
    """Every saved model of the data set and protocol.

    Raises:
        ArtefactError: files that do not belong together or to the data.
    """
    split = prepared.split
    for setting in training.SETTINGS:
        where = artefacts.place(prepared.data.name, setting, root, prepared.protocol.name)
        for name in sorted(where.entries()):
            model, encoder, entry = artefacts.load(where, name)
            artefacts.check_data(entry, prepared.data)
            own = prepared.with_encoder(encoder)
            title, predict = f"{TITLES[name]}, {setting} setting", scoring.predictor(model)
            if prepared.protocol.whole_catalogue:
                scores_of = catalogue.of_predictor(predict, own)
                found, heads = catalogue.ranks(own, split.test, split.known, scores_of)
                yield Contender(title, found, heads=heads, model=True)
            else:
                yield Contender(title, predict(own.ids[split.test]), True, model=True)
