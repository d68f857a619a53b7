"""Figures have titles and axis labels and show the numbers they were given."""

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from movierec import figures
from movierec.data import schema
from movierec.sequences.sessions import Sessions

matplotlib.use("Agg")

HISTORY = [
    {"epoch": 1, "loss": 0.7, "valid_logloss": 0.6, "valid_auc": 0.7},
    {"epoch": 2, "loss": 0.5, "valid_logloss": 0.5, "valid_auc": 0.8},
]
RESULTS = pd.DataFrame({"ranker": ["a", "b"], "recall": [0.1, 0.2], "recall_ci": [0.01, 0.02]})
EFFECTS = pd.DataFrame({"parameter": ["dropout"], "value": [0.2], "difference": [-0.01]})
DIFFERENCES = pd.DataFrame({"by": ["AUC", "NDCG"], "group": ["a", "b"], "difference": [0.1, -0.1]})
DIFFERENCES[["low", "high"]] = [[0.05, 0.2], [-0.2, 0.1]]
GROUPS = pd.DataFrame({"ranker": "ours", "group": ["1", "2"], "mean": [0.5, 0.6], "half": 0.1})
SESSIONS = Sessions(np.array([1, 2, 1]), np.array([0, 2, 3]), np.array([0, 60, 86_400]))


def every_figure(data):
    time = pd.to_datetime(data.ratings["timestamp"], unit="s", utc=True)
    genres = data.movies["genres"].str.get_dummies("|")
    means = data.ratings.groupby("user_id")["rating"].mean().rename("mean")
    by_user = data.users.merge(means, on="user_id")
    yield figures.rating_counts(data.ratings)
    yield figures.long_tails(data.ratings)
    yield figures.user_groups(data.users)
    yield figures.movies_by_year(data.movie_features["release_year"])
    yield figures.genre_pairs(genres.T @ genres)
    yield figures.rating_times(time)
    yield figures.mean_by_group(by_user, {"gender": schema.GENDERS, "age": schema.AGE_GROUPS})
    yield figures.time_spans(data.ratings)
    yield figures.training_curves(HISTORY)
    yield figures.attention(np.full((2, 3, 3), 1 / 3), ["a", "b", "c"])
    yield figures.results(RESULTS, "recall", "Recall@10", ours=["b"])
    yield figures.effects(EFFECTS, 0.005)
    title = "Ours minus theirs"
    yield figures.differences(DIFFERENCES, title, groups="genre", sharex=False)
    yield figures.differences(DIFFERENCES.drop(columns="by"), title, "stars", "genre", decimals=2)
    bins = pd.DataFrame({"predicted": [0.2, 0.8], "liked": [0.1, 0.9], "rows": [10, 20]})
    yield figures.calibration_gaps({"ours": bins})
    yield figures.metric_by_group({"AUC": GROUPS}, "ratings known")
    yield figures.session_shapes(SESSIONS)
    yield figures.session_shapes(SESSIONS, "Ratings per user", "user", "movie", "rating")
    plays = pd.Series([3.0, 900.0, 20.0], ["Air", "Blur", "Can"])
    yield figures.most_played(plays, plays)
    yield figures.play_tails(plays.to_numpy(), plays.to_numpy(), plays.to_numpy())
    yield figures.artist_map(np.eye(2), np.arange(2), ["Air", "Blur"], labels=1)
    yield figures.by_epoch({"ours": [0.1, 0.2]}, "Recall@20")


def test_every_figure_has_titles_and_axis_labels(made):
    for number, figure in enumerate(every_figure(made)):
        figure.canvas.draw()
        panels = [axes for axes in figure.axes if axes.get_label() != "<colorbar>"]
        assert all(axes.get_title() for axes in panels), number
        assert all(axes.get_xlabel() for axes in panels), number
        assert panels[0].get_ylabel() or number == 2, number
        plt.close(figure)


def test_attention_maps_show_the_given_weights():
    layers = np.random.default_rng(0).random((2, 4, 4))
    figure = figures.attention(layers, list("abcd"))
    for axes, weights in zip(figure.axes, layers, strict=False):
        np.testing.assert_array_equal(axes.images[0].get_array(), weights)
    plt.close(figure)


def test_differences_say_so_and_a_movie_is_not_called_an_item():
    figure = figures.differences(DIFFERENCES, "Ours minus theirs", decimals=2)
    assert [axes.get_xlabel().splitlines()[0] for axes in figure.axes] == [
        "difference in AUC",
        "difference in NDCG",
    ]
    assert [axes.get_ylabel() for axes in figure.axes] == ["", ""]
    assert [text.get_text() for text in figure.axes[0].texts] == ["+0.10"]
    movies = figures.session_shapes(SESSIONS, "Ratings per user", "user", "movie", "rating")
    assert movies.axes[0].get_title().startswith("Ratings per user (")
    assert [axes.get_ylabel() for axes in movies.axes] == ["users", "ratings"]
    assert movies.axes[1].get_title() == "Long tail of movies"
    plt.close(figure)
    plt.close(movies)


def test_rankers_stand_side_by_side_also_where_one_has_fewer_groups():
    fewer = GROUPS.assign(ranker="theirs")[GROUPS["group"] == "2"]
    figure = figures.metric_by_group({"AUC": pd.concat([GROUPS, fewer])}, "ratings known", 0.1)
    (axes,) = figure.axes
    lines = [container.lines[0].get_xdata() for container in axes.containers]
    np.testing.assert_allclose(np.concatenate(lines), [-0.05, 0.95, 1.05])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1", "2"]
    assert axes.get_legend() is None
    plt.close(figure)


def test_no_artists_name_leaves_the_map():
    names = [f"A long name {number}" for number in range(9)]
    points = np.column_stack([np.arange(9.0), np.arange(9.0)])
    figure = figures.artist_map(points, np.zeros(9), names, labels=9)
    figure.canvas.draw()
    axes = figure.axes[0]
    assert len(axes.texts) == 9
    assert all(text.get_window_extent().x1 <= axes.bbox.x1 for text in axes.texts)
    plt.close(figure)
