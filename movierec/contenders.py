"""Who is compared: every baseline and every saved model, with what each says of the test rows.

Baselines choose their constants by the validation rows, then learn from training and validation
rows together, as the models do.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from movierec import artefacts, baselines, catalogue, metrics, training
from movierec.baselines import Known, Scores
from movierec.models import TITLES, predictor
from movierec.prepared import Prepared


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


def _combinations(options: dict[str, tuple]) -> list[dict]:
    values = itertools.product(*options.values())
    return [dict(zip(options, chosen, strict=True)) for chosen in values]


def _text(constants: dict) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in constants.items())


def of_rows(
    prepared: Prepared, test: np.ndarray | None = None, more: np.ndarray | None = None
) -> Iterator[Contender]:
    """Baselines where rows are scored.

    Scores that are no probabilities become some by a logistic curve fitted on validation rows
    (Platt 1999), which leaves their order as it is.

    Args:
        prepared: data and protocol.
        test: rows to score; the protocol's test rows by default.
        more: rows known besides training and validation rows.
    """
    split = prepared.split
    test = split.test if test is None else test
    known = split.known if more is None else np.concatenate([split.known, more])
    learnt, final = Known.of(prepared, split.train), Known.of(prepared, known)
    labels = prepared.labels[split.valid]
    for baseline in EVERYWHERE:
        tried = []
        for constants in _combinations(baseline.options):
            scores = _pairs(baseline.fit(learnt, **constants), prepared, split.valid)
            tried.append((roc_auc_score(labels, scores), constants, scores))
        _, constants, scores = max(tried, key=lambda trial: trial[0])
        said = _pairs(baseline.fit(final, **constants), prepared, test)
        probability = baseline.probability
        if not probability:
            curve = LogisticRegression().fit(scores[:, None], labels)
            if probability := bool(curve.coef_[0, 0] > 0):  # else it would turn the order round
                said = curve.predict_proba(said[:, None])[:, 1]
        yield Contender(baseline.name, said, probability, chosen=_text(constants))
    yield _logistic(prepared, test, known)


def _pairs(scores: Scores, prepared: Prepared, numbers: np.ndarray) -> np.ndarray:
    return scores.pairs(prepared.user_places[numbers], prepared.movies[numbers])


def _logistic(prepared: Prepared, test: np.ndarray, known: np.ndarray) -> Contender:
    def fitted(rows, numbers, c):
        dims = rows.encoder.field_dims
        return baselines.logistic(rows.ids[numbers], rows.labels[numbers], dims, c)

    def says(model, rows, numbers):
        table = baselines.one_hot(rows.ids[numbers], rows.encoder.field_dims)
        return model.predict_proba(table)[:, 1]

    split = prepared.split
    labels = prepared.labels[split.valid]
    before, after = prepared.fitted_on(split.train), prepared.fitted_on(known)
    by_auc = {
        c: roc_auc_score(labels, says(fitted(before, split.train, c), before, split.valid))
        for c in (0.1, 0.3, 1.0)
    }
    c = max(by_auc, key=by_auc.get)
    scores = says(fitted(after, known, c), after, test)
    return Contender("logistic regression on 13 fields", scores, True, chosen=_text({"C": c}))


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
            title = f"{TITLES[name]}, {setting} setting"
            if prepared.protocol.whole_catalogue:
                scores_of = catalogue.of_model(model, own)
                found, heads = catalogue.ranks(own, split.test, split.known, scores_of)
                yield Contender(title, found, heads=heads, model=True)
            else:
                yield Contender(title, predictor(model)(own.ids[split.test]), True, model=True)
