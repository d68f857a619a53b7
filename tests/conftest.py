"""Shared fixtures: small made-up data in ML-1M's format, and the real data sets if available."""

from pathlib import Path

import hypothesis
import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from movierec.data import movielens
from movierec.data.download import NotFoundError
from movierec.data.tables import Dataset
from movierec.sequences import next_movie
from movierec.serving.lookups import Lookups
from movierec.serving.recommender import Recommender, attach
from movierec.training import candidates
from movierec.training.settings import Settings
from movierec.training.train import train

# no deadline per example: a busy machine is not a failure
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

SMALL = Settings(embed_dim=4, num_layers=1, head_dim=4, mlp_units=(4,), batch_size=256, epochs=2)
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


def random_ids(dims, count, rng=0) -> np.ndarray:
    """Encoded rows with ids drawn from `range(dim)` in each field, shape (count, fields)."""
    rng = np.random.default_rng(rng)
    return np.stack([rng.integers(0, dim, count) for dim in dims], axis=1).astype(np.int32)


def blas_threads() -> list[int]:
    """The number of threads of each BLAS library that is loaded."""
    libraries = ThreadpoolController().select(user_api="blas").info()
    return [library["num_threads"] for library in libraries]


def spread(model, std=0.3):
    """Give a Keras model weights so large that every part of it affects the output."""
    rng = np.random.default_rng(1)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(0, std, variable.shape))
    return model


@pytest.fixture
def raw(tmp_path) -> Path:
    """A folder of data sets whose ml-1m is six valid ratings."""
    write_ml1m(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def made_folder(tmp_path_factory) -> Path:
    """Folder of made-up data: 40 users, 60 movies, 1,600 ratings, tastes that can be learnt."""
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
    return data_dir


@pytest.fixture(scope="session")
def made(made_folder) -> Dataset:
    return movielens.load("ml-1m", made_folder)


@pytest.fixture(scope="session")
def lookups(made) -> Lookups:
    return Lookups(made)


@pytest.fixture(scope="session")
def trained(made, tmp_path_factory) -> Path:
    """Root folder of both models, trained for two epochs on the made-up data."""
    root = tmp_path_factory.mktemp("trained")
    for name in ("autoint", "autointmlp"):
        train(name, made, root=root, epochs=2, batch_size=128, ema_momentum=0.0)
    candidates.train(made, root)
    next_movie.train(made, root=root, epochs=2)
    return root


@pytest.fixture(scope="session")
def small(lookups, trained) -> Recommender:
    """The trained AutoInt+ on the made-up data."""
    return attach(lookups, "autointmlp", trained)


def real(name: str) -> Dataset:
    """A real data set; skips the test if it is missing and cannot be downloaded."""
    try:
        return movielens.load(name, fetch=name == "ml-100k")
    except NotFoundError as error:
        pytest.skip(f"no {name}: {error}")


@pytest.fixture(scope="session")
def ml100k() -> Dataset:
    return real("ml-100k")


@pytest.fixture(scope="session")
def ml1m() -> Dataset:
    return real("ml-1m")


@pytest.fixture(scope="session", params=["ml-1m", "ml-100k"])
def recommender(request) -> Recommender:
    """The committed AutoInt+ on each real data set that is available."""
    data = request.getfixturevalue(request.param.replace("-", ""))
    return attach(Lookups(data), "autointmlp")
