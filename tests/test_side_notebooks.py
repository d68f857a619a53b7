"""The side notebooks run on small data."""

import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError

from tests import notebooks
from tests.test_artists import write_taste

FOLDER = notebooks.FOLDER / "recommender_system"
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning:zmq", "ignore::RuntimeWarning:zmq"
)


def test_the_artist_notebook_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTISTS", str(write_taste(tmp_path)))
    monkeypatch.setenv("FAVOURITES", "Artist 1,Artist 3")
    notebooks.run(FOLDER / "01_artist_recommender.ipynb")


def test_the_artist_notebook_says_where_to_get_data(tmp_path, monkeypatch):
    monkeypatch.setenv("ARTISTS", str(tmp_path))
    with pytest.raises(CellExecutionError, match="holds neither user_artists.dat"):
        notebooks.run(FOLDER / "01_artist_recommender.ipynb")


def test_an_unknown_data_set_stops_the_next_item_notebook(monkeypatch):
    monkeypatch.setenv("SESSIONS", "ml-2m")
    with pytest.raises(CellExecutionError, match="unknown data set 'ml-2m'"):
        notebooks.run(FOLDER / "02_item_recommender.ipynb")


def test_the_next_item_notebook_runs(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for part, count in (("train", 300), ("test", 60)):
        starts, lengths = rng.integers(1, 30, count), rng.integers(2, 8, count)
        lines = [
            " ".join(str(1 + (start + step) % 30) for step in range(length))
            for start, length in zip(starts, lengths, strict=True)
        ]
        (tmp_path / f"{part}_sessions.txt").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("SESSIONS", "yoochoose1_64")
    monkeypatch.setenv("SESSIONS_FOLDER", str(tmp_path))
    monkeypatch.setenv("EPOCHS", "1")
    notebooks.run(FOLDER / "02_item_recommender.ipynb")


def test_the_next_film_notebook_runs(ml100k, monkeypatch):
    monkeypatch.setenv("DATASET", "ml-100k")
    monkeypatch.setenv("EPOCHS", "1")
    notebooks.run(FOLDER / "03_movie_recommender.ipynb")
