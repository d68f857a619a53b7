"""Measure every step on made-up data of ML-32M's size: `python -m benchmarks.large`.

The data have ML-32M's layout and numbers of users, movies and ratings, with popularity and activity
about as uneven. They are written to `--folder` and kept there. Each step's seconds and the highest
memory of the process so far are printed as a table.
"""

import argparse
import dataclasses
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.speed import as_markdown
from movierec import files
from movierec.data import movielens
from movierec.data.dataset import split_by
from movierec.models.numpy_model import NumpyModel
from movierec.serving.lookups import Lookups
from movierec.serving.recommender import Recommender
from movierec.training import candidates
from movierec.training.fitting import fit_rows
from movierec.training.named_settings import settings_for, sized

NAME = "ml-32m"
USERS, MOVIES, RATINGS = 200_948, 87_585, 32_000_204
GENRES = ("Action", "Adventure", "Children", "Comedy", "Crime", "Drama", "Horror", "Romance")


def make(folder: Path, share: float) -> None:
    """Write ratings.csv and movies.csv with a share of ML-32M's users and ratings."""
    rng = np.random.default_rng(0)
    users, ratings = int(share * USERS), int(share * RATINGS)
    activity = rng.lognormal(0, 1.2, users)
    user = np.repeat(np.arange(users), rng.poisson(1.5 * ratings * activity / activity.sum()))
    popularity = np.cumsum((np.arange(MOVIES) + 20.0) ** -1.05)
    movie = np.searchsorted(popularity, rng.random(len(user)) * popularity[-1])
    movie = rng.permutation(MOVIES)[movie]
    pairs = np.unique(user * MOVIES + movie)
    if len(pairs) > ratings:
        pairs = pairs[np.sort(rng.choice(len(pairs), ratings, replace=False))]
    user, movie = pairs // MOVIES, pairs % MOVIES
    taste = rng.normal(3.3, 0.5, MOVIES)[movie] + rng.normal(0, 0.4, users)[user]
    stars = np.clip(np.round(2 * (taste + rng.normal(0, 0.8, len(user)))) / 2, 0.5, 5)
    begin = rng.integers(830_000_000, 1_690_000_000, users)[user]
    table = {"userId": user + 1, "movieId": movie + 1, "rating": stars}
    table["timestamp"] = begin + rng.integers(0, 5_000_000, len(user))
    years = np.clip(rng.normal(1995, 20, MOVIES), 1900, 2023).astype(int)
    titles = [f"Film {number}, The ({year})" for number, year in enumerate(years, 1)]
    genres = ["|".join(sorted(rng.choice(GENRES, 2, replace=False))) for _ in titles]
    movies = {"movieId": np.arange(1, MOVIES + 1), "title": titles, "genres": genres}
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in (("movies", movies), ("ratings", table)):
        files.write_table(pd.DataFrame(columns), folder / f"{name}.csv")


def main() -> None:
    """Run all steps and print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "large")
    options.add_argument("--share", type=float, default=1.0, help="of the users and ratings")
    options = options.parse_args()
    rows = []

    def step(name: str, run: Callable):
        start = time.perf_counter()
        result = run()
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        rows.append({"step": name, "seconds": round(seconds, 1), "peak_gib": round(peak, 2)})
        print(rows[-1], flush=True)
        return result

    if not (options.folder / NAME / "ratings.csv").exists():
        make(options.folder / NAME, options.share)
    data = step("read and check", lambda: movielens.load(NAME, options.folder, fetch=False))
    tables = {"users": data.users, "movies": data.movie_features, "ratings": data.ratings}
    step(
        "write as Parquet",
        lambda: [
            files.write_table(table, options.folder / f"{name}.parquet")
            for name, table in tables.items()
        ],
    )
    dataset = split_by(data)
    encoder = step("fit the encoder", lambda: dataset.fit_encoder(dataset.split.known))
    encoded = dataset.encoded(encoder)
    train = step("encode", lambda: encoded.rows(dataset.split.known))
    settings = dataclasses.replace(sized(settings_for("tuned"), data), epochs=1)
    network, history = step(
        "an epoch of AutoInt+",
        lambda: fit_rows("autointmlp", encoder.field_dims, train, None, settings, 0),
    )
    first = step("candidates", lambda: candidates.fit(split_by(data, "temporal")))
    entry = {}
    recommender = Recommender(Lookups(data), NumpyModel.of(network), encoder, entry, first)
    users = np.arange(len(data.users))
    lists = step("a list for every user", lambda: recommender.recommend_all(users=users))
    print(f"{len(data.ratings):,} ratings, {len(lists):,} places in lists; {history[0]}")
    print(as_markdown(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
