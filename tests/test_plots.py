"""Figures carry titles, axis names and the numbers they were given."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from movierec import datasets, plots, preprocess
from movierec.sessiondata import Sessions

matplotlib.use("Agg")

HISTORY = [
    {"epoch": 1, "loss": 0.7, "valid_logloss": 0.6, "valid_auc": 0.7},
    {"epoch": 2, "loss": 0.5, "valid_logloss": 0.5, "valid_auc": 0.8},
]
RESULTS = pd.DataFrame({"ranker": ["a", "b"], "recall": [0.1, 0.2], "recall_ci": [0.01, 0.02]})
EFFECTS = pd.DataFrame({"parameter": ["dropout"], "value": [0.2], "difference": [-0.01]})

SESSIONS = Sessions(np.array([1, 2, 1]), np.array([0, 2, 3]), np.array([0, 60, 86_400]))
LEADS = pd.DataFrame(
    {
        "protocol": ["paper", "paper"],
        "ranker": ["ours", "movie mean"],
        "best_baseline": "movie mean",
        "lead": [0.1, np.nan],
        "lead_low": [0.05, np.nan],
        "lead_high": [0.2, np.nan],
    }
)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def figures(data):
    time = pd.to_datetime(data.ratings["timestamp"], unit="s", utc=True)
    genres = data.movies["genres"].str.get_dummies("|")
    means = data.ratings.groupby("user_id")["rating"].mean().rename("mean")
    by_user = data.users.merge(means, on="user_id")
    yield plots.rating_counts(data.ratings)
    yield plots.long_tails(data.ratings)
    yield plots.user_groups(data.users)
    yield plots.films_by_year(preprocess.movies(data)["release_year"])
    yield plots.genre_pairs(genres.T @ genres)
    yield plots.rating_times(time)
    yield plots.mean_by_group(by_user, "gender", datasets.GENDERS)
    yield plots.time_spans(data.ratings)
    yield plots.training_curves(HISTORY)
    yield plots.attention(np.full((2, 3, 3), 1 / 3), ["a", "b", "c"])
    yield plots.results(RESULTS, "recall", "Recall@10")
    yield plots.effects(EFFECTS, 0.005)
    yield plots.leads(LEADS)
    yield plots.reliability({"ours": pd.DataFrame({"predicted": [0.2, 0.8], "liked": [0.1, 0.9]})})
    yield plots.slices(RESULTS.assign(group=["x", "y"]), "recall", "Recall@10")
    yield plots.session_shapes(SESSIONS)
    yield plots.session_times(SESSIONS)
    plays = pd.Series([3.0, 900.0, 20.0], ["Air", "Blur", "Can"])
    yield plots.most_played(plays, plays)
    yield plots.play_tails(plays.to_numpy(), plays.to_numpy(), plays.to_numpy())
    yield plots.artist_map(np.eye(2), np.arange(2), ["Air", "Blur"], labels=1)
    yield plots.by_epoch({"ours": [0.1, 0.2]}, "Recall@20")


def test_every_figure_has_titles_and_axis_names(made):
    for number, figure in enumerate(figures(made)):
        figure.canvas.draw()
        named = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
        assert all(axes.get_title() for axes in named), number
        assert all(axes.get_xlabel() for axes in named), number
        assert named[0].get_ylabel() or number == 2, number
        plt.close(figure)


def test_the_best_epoch_is_marked():
    figure = plots.training_curves(HISTORY)
    marks = [line for line in figure.axes[0].lines if line.get_linestyle() == ":"]
    assert [line.get_xdata()[0] for line in marks] == [2]


def test_a_heat_map_shows_its_numbers():
    layers = np.random.default_rng(0).random((2, 4, 4))
    figure = plots.attention(layers, list("abcd"))
    for axes, weights in zip(figure.axes, layers, strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), weights)
