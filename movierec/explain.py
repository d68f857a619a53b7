"""Why this film? What the attention looked at, and what the score would be without each field.

Attention says which fields a layer mixed, and how much; it is no proof of what decided. So the
second view asks the model itself: one field at a time becomes unknown (id 0), and the probability
is computed again. `python -m movierec.explain` measures how far the two views agree.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from movierec import artefacts, datasets, files, metrics, recommender
from movierec.datasets import MOVIE, RATING, USER
from movierec.library import Library
from movierec.preprocess import FEATURES, MOVIE_FEATURES
from movierec.recommender import Candidates, Recommender
from movierec.rows import UNKNOWN
from movierec.settings import TITLES
from movierec.tables import READMES

NEAREST = 5
FILM_FIELDS = [FEATURES.index(feature) for feature in MOVIE_FEATURES]


@dataclass(frozen=True)
class Explanation:
    """What can be said about one person, film and time.

    Args:
        held: what each field holds, as text; "" where the model does not know it.
        attention: each layer's and head's weights, float32 (layers, heads, fields, fields): how
            much the field of a row of the matrix looks at the field of a column; rows sum to 1.
        probability: of a rating of 4 or more.
        without: the same with each field unknown, float32 (fields,).
    """

    held: tuple[str, ...]
    attention: np.ndarray
    probability: float
    without: np.ndarray

    @property
    def received(self) -> np.ndarray:
        """Attention that each field gets, averaged over layers, heads and looking fields."""
        return self.attention.mean(axis=(0, 1, 2))

    @property
    def changes(self) -> np.ndarray:
        """What the log-odds lose when each field becomes unknown, shape (fields,)."""
        return log_odds(self.probability) - log_odds(self.without)


def log_odds(probability) -> np.ndarray:
    """`log(p / (1 − p))`.

    >>> float(log_odds(0.5))
    0.0
    """
    p = np.clip(np.asarray(probability, np.float64), 1e-7, 1 - 1e-7)
    return np.log(p / (1 - p))


def explain(ready: Recommender, candidates: Candidates, movie_id: int) -> Explanation:
    """Look into the model for one film.

    Args:
        ready: the recommender.
        candidates: whose films, see `Recommender.candidates`.
        movie_id: one of the data set's films.

    Raises:
        RequestError: when there is no such film.
    """
    (row,) = ready.library.film_rows([movie_id])
    if row < 0:
        raise recommender.RequestError(f"there is no film {movie_id} in {ready.data.name}")
    ids, model = candidates.ids[row], ready.model
    # row 0 is the film as it is, row f + 1 lacks field f
    variants = np.tile(ids, (len(ids) + 1, 1))
    if candidates.person is not None:
        model = model.with_users(candidates.person[None])
        variants[:, 0] = 1
    np.fill_diagonal(variants[1:], UNKNOWN)
    logits, attention = model.logits_of(model.embedding(variants))
    probability = model.probabilities(logits)[:, 0]
    return Explanation(
        held=tuple(
            str(ready.encoder.classes[feature][number])
            for feature, number in zip(FEATURES, ids, strict=True)
        ),
        attention=np.stack([layer[0] for layer in attention]),
        probability=float(probability[0]),
        without=probability[1:],
    )


def nearest(ready: Recommender, movie_id: int, rated: pd.DataFrame) -> pd.DataFrame:
    """The rated films that stand nearest to a film in the model's embedding space.

    Args:
        ready: the recommender.
        movie_id: one of the data set's films.
        rated: with movie_id and rating.

    Returns:
        At most `NEAREST` rows: movie_id, rating and similarity, the cosine of the two films'
        embeddings (all fields of a film, one after the other); most similar first.
    """
    rows = ready.library.film_rows([movie_id, *rated[MOVIE]])
    ids = ready.profile_ids({})[rows]
    vectors = ready.model.embedding(ids)[:, FILM_FIELDS].reshape(len(rows), -1)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    similarity = vectors[1:] @ vectors[0]
    films = rated[[MOVIE, RATING]].assign(similarity=similarity)
    return films.nlargest(NEAREST, "similarity").reset_index(drop=True)


def agreement(ready: Recommender, count: int = 500, seed: int = 0) -> dict:
    """How far attention and leave-one-field-out agree on random recommendations.

    A recommendation is a random film of the ten best for a random user. Fields that are unknown
    anyway (a film without a third genre) cannot change anything and are left out.

    Returns:
        recommendations; correlation, low, high: mean rank correlation, over the fields, between
        the attention that a field receives and the size of the change of the log-odds without it,
        with its 95 % bootstrap interval; other: the same against the changes of another
        recommendation, that is, what is true of the fields in general; attention_least,
        attention_most: the least and the most that a field receives on average; decisive: the
        field whose loss changes the log-odds most, and change, by how much on average.
    """
    rng = np.random.default_rng(seed)
    users = rng.choice(ready.data.users[USER].to_numpy(), min(count, len(ready.data.users)), False)
    explanations = []
    for user_id in users:
        candidates = ready.candidates(int(user_id))
        films = ready.rank(candidates, min(10, int(candidates.unseen.sum())))
        explanations.append(explain(ready, candidates, int(rng.choice(films[MOVIE]))))
    received = np.array([found.received for found in explanations])
    known = np.array([found.held for found in explanations]) != ""
    changes = np.where(known, np.abs([found.changes for found in explanations]), np.nan)
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
        "decisive": FEATURES[int(change.argmax())],
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


def as_markdown(table: pd.DataFrame) -> str:
    """The table of `agreement`, one row a model, as it stands in the README."""
    lines = [
        "| model | recommendations | rank correlation, 95 % interval | ... with another "
        "recommendation's changes | attention a field receives, least to most | field whose loss "
        "changes most, mean change of log-odds |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.model} | {row.recommendations} | {row.correlation:+.3f} "
        f"[{row.low:+.3f}, {row.high:+.3f}] | {row.other:+.3f} | {row.attention_least:.3f} to "
        f"{row.attention_most:.3f} | {row.decisive}, {row.change:.2f} |"
        for row in table.itertuples()
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure how far the two explanations agree: explanations.csv, and ML-1M's in the READMEs."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    options = parser.parse_args(arguments)
    try:
        rows = []
        where = artefacts.place(options.dataset)
        library = Library(datasets.load(options.dataset))
        for name in sorted(where.entries()):
            rows.append({"model": TITLES[name]} | agreement(recommender.attach(library, name)))
        path = where.folder / "explanations.csv"
        with files.replacing(path) as (part,):
            table = pd.DataFrame(rows)
            table.to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
        table = pd.read_csv(path)  # the README shows what stands in the file, to the last digit
        for readme in READMES if options.dataset == "ml-1m" else ():
            files.into_block(artefacts.ROOT / readme, "explanations", as_markdown(table))
    except (datasets.DataError, artefacts.ArtefactError, ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(as_markdown(table))


if __name__ == "__main__":
    main()
