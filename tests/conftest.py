"""Shared data: small made-up files in ML-1M's format, and the real sets where they can be had."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest

from movierec import artefacts, datasets, library, recommender, training
from movierec.sources import NotFoundError

# how long an example takes says how busy the machine is
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

USERS = ["1::F::1::10::48067", "2::M::56::16::70072", "3::M::25::15::02460"]
MOVIES = [
    "1::Toy Story (1995)::Animation|Children's|Comedy",
    "2::Matrix, The: Part (2) (1999)::Action|Sci-Fi",
    "3::Cérémonie, La (1995)::Drama",
    "4::Untitled::Drama",
]
RATINGS = [
    "1::1::5::978300760",
    "1::2::3::978302109",
    "2::1::4::978301968",
    "2::3::1::978300275",
    "3::4::2::978824291",
    "3::1::5::978302268",
]


def write_ml1m(data_dir: Path, users=USERS, movies=MOVIES, ratings=RATINGS) -> Path:
    """Write the three raw files into data_dir/ml-1m and return that folder."""
    folder = data_dir / "ml-1m"
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (("users", users), ("movies", movies), ("ratings", ratings)):
        text = "".join(line + "\n" for line in lines)
        encoding = "latin-1" if name == "movies" else "utf-8"
        (folder / f"{name}.dat").write_bytes(text.encode(encoding))
    return folder


@pytest.fixture
def raw(tmp_path) -> Path:
    """A folder of data sets whose ml-1m is six valid ratings."""
    write_ml1m(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> datasets.MovieLens:
    """A made-up data set of 40 users, 60 films and 1,600 ratings, where taste can be learnt."""
    rng = np.random.default_rng(7)
    users = [f"{u}::{'FM'[u % 2]}::25::{u % 21}::{10000 + u}" for u in range(1, 41)]
    movies = [
        f"{m}::Film {m} ({1950 + m % 50})::{'Drama|War' if m % 3 else 'Comedy'}"
        for m in range(1, 61)
    ]
    ratings = []
    for user in range(1, 41):
        for movie in rng.choice(60, 40, replace=False) + 1:
            likes = (movie % 3 == 0) == (user % 2 == 0)
            rating = rng.choice([4, 5]) if likes else rng.choice([1, 2, 3])
            ratings.append(f"{user}::{movie}::{rating}::{978300000 + len(ratings) * 3600}")
    data_dir = tmp_path_factory.mktemp("made")
    write_ml1m(data_dir, users, movies, ratings)
    return datasets.load("ml-1m", data_dir)


@pytest.fixture(scope="session")
def small(made, tmp_path_factory) -> recommender.Recommender:
    """A recommender on the made-up data, trained for an epoch."""
    root = tmp_path_factory.mktemp("small")
    training.train("autointmlp", made, root=root, epochs=2, batch_size=128, averaging=0.0)
    return recommender.attach(library.Library(made), "autointmlp", root)


def real(name: str) -> datasets.MovieLens:
    """A real data set, or skip."""
    try:
        return datasets.load(name, download=name == "ml-100k")
    except NotFoundError as error:
        pytest.skip(f"no {name}: {error}")


@pytest.fixture(scope="session")
def ml100k() -> datasets.MovieLens:
    return real("ml-100k")


@pytest.fixture(scope="session")
def ml1m() -> datasets.MovieLens:
    return real("ml-1m")


@pytest.fixture(scope="session", params=datasets.NAMES)
def ready(request) -> recommender.Recommender:
    """The committed AutoInt+ on each real data set that is at hand."""
    data = request.getfixturevalue(request.param.replace("-", ""))
    model, encoder, entry = artefacts.load(artefacts.place(data.name), "autointmlp")
    return recommender.Recommender(data, model, encoder, entry)
