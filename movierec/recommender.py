"""Serve a trained model: recommend unseen films to a user, score rows of raw values."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import artefacts, datasets, foldin, preprocess, scoring
from movierec.datasets import MovieLens
from movierec.encoding import FeatureEncoder
from movierec.library import FILM_COLUMNS, Filters, Library, RequestError
from movierec.settings import TITLES
from movierec.trained import Trained

YEARS = range(1995, 2101)
ALL_FILMS = Filters()


@dataclass(frozen=True)
class Candidates:
    """Every film of the movies table, as the model sees it for one person at one time.

    Args:
        ids: encoded features, int32 (movies, 13).
        unseen: which films the person has not rated, bool (movies,).
        probability: of a rating of 4 or more, float32 (movies,).
        person: an embedding vector to stand in place of the user id's, float32 (embed_dim,);
            None leaves the model's own.
    """

    ids: np.ndarray
    unseen: np.ndarray
    probability: np.ndarray
    person: np.ndarray | None = None


class Recommender:
    """A model with its own encoder and data. It is never changed, so sessions can share it.

    Args:
        data: the data set the model was trained on.
        model: the trained model.
        encoder: the encoder it was trained with.
        entry: its manifest entry.
        library: the data's look-ups, where they are there already; models can share them.
    """

    def __init__(
        self,
        data: MovieLens,
        model: Trained,
        encoder: FeatureEncoder,
        entry: dict,
        library: Library | None = None,
    ):
        self.data, self.model, self.encoder, self.entry = data, model, encoder, entry
        self.library = library or Library(data)
        self._predict = scoring.predictor(model)
        self._user_ids = encoder.transform(data.users, preprocess.USER_FEATURES)
        self._movie_ids = encoder.transform(self.library.movies, preprocess.MOVIE_FEATURES)

    def recommend(
        self, user_id: int, n: int = 10, year: int | None = None, month: int | None = None
    ) -> pd.DataFrame:
        """The unseen films that the model thinks the user likeliest to rate 4 or more.

        Args:
            user_id: as in the data set.
            n: how many films, 1 to the number of films the user has not rated.
            year, month: when the films would be rated; by default when the user last rated. A
                year or month without training rows is the unknown one to the model.

        Returns:
            `n` rows: movie_id, title, genres, release_year, probability; best first, equal
            probabilities in the order of the movies table.

        Raises:
            RequestError: unknown user, n out of range, impossible year or month.
        """
        return self.rank(self.candidates(user_id, year, month), n)

    def candidates(
        self, user_id: int, year: int | None = None, month: int | None = None
    ) -> Candidates:
        """All films for this user; see `recommend` for arguments and errors."""
        ids = self.candidate_ids(user_id, year, month)
        return self.scored(ids, ~self.library.seen(user_id))

    def scored(
        self, ids: np.ndarray, unseen: np.ndarray, person: np.ndarray | None = None
    ) -> Candidates:
        """All films with their probabilities; the arguments are the fields of `Candidates`."""
        if person is None:
            return Candidates(ids, unseen, self._predict(ids))
        owner = np.zeros(len(ids), np.int32)
        return Candidates(ids, unseen, foldin.score(self.model, ids, person[None], owner), person)

    def rank(
        self, candidates: Candidates, n: int = 10, filters: Filters = ALL_FILMS
    ) -> pd.DataFrame:
        """The best `n` of the unseen films that pass the filters, or as many as there are.

        Returns:
            See `recommend`.

        Raises:
            RequestError: n below 1 or above the number of unseen films, all films seen, or a
                filter that no film can pass.
        """
        left = int(candidates.unseen.sum())
        if not left:
            raise RequestError("every film is rated already: nothing is left to recommend")
        _check_whole("n", n, range(1, left + 1), f" ({left} films are unrated)")
        rows = np.flatnonzero(candidates.unseen & self.library.admitted(filters))
        probability = candidates.probability[rows]
        best = np.argsort(-probability, kind="stable")[:n]
        films = self.library.movies.iloc[rows[best]][FILM_COLUMNS]
        return films.assign(probability=probability[best]).reset_index(drop=True)

    def candidate_ids(
        self, user_id: int, year: int | None = None, month: int | None = None
    ) -> np.ndarray:
        """Encoded features of this user with every film, int32, shape (movies, 13)."""
        default = self.library.default_time(user_id)
        user = self._user_ids[[self.library.user_row(user_id)]]
        return self._with_films(user, default, year, month)

    def profile_ids(
        self, profile: Mapping, year: int | None = None, month: int | None = None
    ) -> np.ndarray:
        """Encoded features of somebody who is no user of the data set, with every film.

        Args:
            profile: gender, age, occupation and zipcode as in the users table; what is None or
                not there is unknown to the model, and so is the user id.
            year, month: by default those of the newest rating of all.

        Returns:
            int32, shape (movies, 13).
        """
        row = pd.DataFrame([{name: profile.get(name) for name in preprocess.USER_FEATURES}])
        user = self.encoder.transform(row, preprocess.USER_FEATURES)
        return self._with_films(user, self.library.default_time(), year, month)

    def _with_films(
        self, user: np.ndarray, default: tuple[int, int], year: int | None, month: int | None
    ) -> np.ndarray:
        """One person's encoded fields (1, 5) beside every film's and the time's."""
        year = default[0] if year is None else year
        month = default[1] if month is None else month
        _check_whole("year", year, YEARS)
        _check_whole("month", month, range(1, 13))
        time = pd.DataFrame([[year, month]], columns=list(preprocess.TIME_FEATURES))
        time_ids = self.encoder.transform(time, preprocess.TIME_FEATURES)
        films = len(self._movie_ids)
        return np.hstack(
            [user.repeat(films, axis=0), self._movie_ids, time_ids.repeat(films, axis=0)]
        )

    def score(self, rows: pd.DataFrame) -> np.ndarray:
        """Probability that each row's rating is 4 or more.

        Args:
            rows: raw values, with (at least) the 13 columns of `preprocess.FEATURES`. Values that
                training did not see are the unknown ones to the model.

        Returns:
            float32, shape (rows,); the numbers of the Keras model's `predict` on the encoded rows.

        Raises:
            movierec.encoding.EncoderError: when a column is missing.
        """
        return self._predict(self.encoder.transform(rows))


def _check_whole(name: str, value: int, allowed: range, meaning: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value not in allowed:
        expected = f"a whole number from {allowed.start} to {allowed.stop - 1}"
        raise RequestError(f"{name} is {value!r}, expected {expected}{meaning}")


def load(
    model: str = "autointmlp",
    dataset: str = "ml-1m",
    root: Path = artefacts.ROOT,
    download: bool = True,
) -> Recommender:
    """The committed (or newly trained) model of that name, ready to recommend.

    Args:
        model: "autoint" or "autointmlp".
        dataset: "ml-1m" or "ml-100k".
        root: the folder that holds `data/` and `model/`.
        download: whether missing data may be fetched.

    Raises:
        RequestError: unknown model name.
        movierec.datasets.DataError: the data set is missing or damaged.
        movierec.artefacts.ArtefactError: weights, encoder, manifest and data do not belong
            together.
    """
    if model not in TITLES:
        raise RequestError(f"unknown model {model!r}: choose one of {', '.join(TITLES)}")
    return attach(Library(datasets.load(dataset, root / "data", download)), model, root)


def attach(library: Library, model: str, root: Path = artefacts.ROOT) -> Recommender:
    """The model of that name for data that is loaded already; several can share one library.

    Raises:
        movierec.artefacts.ArtefactError: see `load`.
    """
    data = library.data
    loaded, encoder, entry = artefacts.load(artefacts.place(data.name, root=root), model)
    artefacts.check_data(entry, data)
    return Recommender(data, loaded, encoder, entry, library)
