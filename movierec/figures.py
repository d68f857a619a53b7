"""The figures of the notebooks. Each function returns a matplotlib figure."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from movierec.data import schema
from movierec.sequences.sessions import Sessions

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _axes(title: str, xlabel: str, ylabel: str, width=6.0, height=3.0) -> tuple[Figure, Axes]:
    """A new figure with one labelled pair of axes; `width` and `height` are in inches."""
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _panels(count: int, width: float, height: float, **options) -> tuple[Figure, np.ndarray]:
    """A new figure with `count` axes side by side; `width` and `height` are in inches."""
    return plt.subplots(1, count, figsize=(width, height), layout="constrained", **options)


def rating_counts(ratings: pd.DataFrame) -> Figure:
    """Number of ratings with each number of stars; those with the label 1 are blue."""
    counts = ratings[schema.RATING].value_counts().sort_index()
    figure, axes = _axes("Ratings by stars (blue: label 1)", "stars", "ratings")
    colours = ["tab:blue" if rating >= schema.LIKED else "lightgrey" for rating in counts.index]
    bars = axes.bar(counts.index, counts, color=colours)
    axes.bar_label(bars, [f"{share:.0%}" for share in counts / counts.sum()])
    axes.margins(y=0.15)
    return figure


def long_tails(ratings: pd.DataFrame) -> Figure:
    """Number of ratings of each user and each movie, highest first, on logarithmic axes."""
    figure, axes = _axes("Long tails", "rank of the user or movie", "ratings")
    for key, name in ((schema.USER, "user"), (schema.MOVIE, "movie")):
        counts = ratings[key].value_counts().to_numpy()
        axes.loglog(np.arange(1, len(counts) + 1), counts, label=f"per {name}")
    axes.legend()
    return figure


def user_groups(users: pd.DataFrame) -> Figure:
    """Number of users of each gender, age group and occupation."""
    figure, axes = _panels(3, 12, 5, width_ratios=[1, 2, 4])
    occupations = dict(enumerate(schema.OCCUPATIONS))
    names = {"gender": schema.GENDERS, "age": schema.AGE_GROUPS, "occupation": occupations}
    for part, (column, labels) in zip(axes, names.items(), strict=True):
        counts = users[column].value_counts().reindex(list(labels), fill_value=0)
        bars = part.barh([labels[key] for key in counts.index], counts)
        part.bar_label(bars, padding=2, fontsize=7)
        part.set(title=f"Users by {column}", xlabel="users")
        part.margins(x=0.3)
        part.invert_yaxis()
    return figure


def movies_by_year(years: pd.Series) -> Figure:
    """Number of movies by year of release; missing years are left out."""
    counts = years.dropna().astype(int).value_counts().sort_index()
    figure, axes = _axes("Movies by year of release", "year of release", "movies")
    axes.bar(counts.index, counts, width=1)
    return figure


def genre_pairs(pairs: pd.DataFrame) -> Figure:
    """Number of movies that have both genres, from a table with genres as rows and columns."""
    title = "Movies that have both genres (white: none)"
    figure, axes = _axes(title, "genre", "genre", width=7, height=6)
    image = axes.imshow(np.log10(pairs.where(pairs > 0)), cmap="viridis")
    axes.set_xticks(range(len(pairs)), pairs.columns, rotation=90)
    axes.set_yticks(range(len(pairs)), pairs.index)
    figure.colorbar(image, label="log10 of the number of movies")
    return figure


def rating_times(time: pd.Series) -> Figure:
    """Number of ratings by month, hour and day of the week, from the UTC time of each rating."""
    figure, axes = _panels(3, 12, 3, width_ratios=[2, 1, 1])
    months = time.dt.strftime("%Y-%m").value_counts().sort_index()
    axes[0].bar(pd.to_datetime(months.index), months, width=25)
    axes[0].set(title="Ratings by month", xlabel="month (UTC)", ylabel="ratings", yscale="log")
    axes[0].tick_params(axis="x", rotation=45)
    hours = time.dt.hour.value_counts().sort_index()
    axes[1].bar(hours.index, hours)
    axes[1].set(title="Ratings by hour", xlabel="hour of the day (UTC)", ylabel="ratings")
    axes[2].bar(DAYS, time.dt.day_of_week.value_counts().reindex(range(7), fill_value=0))
    axes[2].set(title="Ratings by day", xlabel="day of the week (UTC)", ylabel="ratings")
    return figure


def mean_by_group(table: pd.DataFrame, column: str, names: dict) -> Figure:
    """Mean rating of each group of users with its 95 % interval over users.

    Args:
        table: one row per user, with the columns `column` and `mean` (the user's mean rating).
        column: the column of the group.
        names: group → label, in the order of the figure.
    """
    groups = table.groupby(column)["mean"].agg(["mean", "std", "count"]).reindex(list(names))
    half = 1.96 * groups["std"] / np.sqrt(groups["count"])
    title = f"Mean of users' mean ratings by {column}"
    height = 1.2 + 0.25 * len(groups)
    figure, axes = _axes(title, "stars (95 % interval)", column, height=height)
    axes.errorbar(groups["mean"], [names[key] for key in groups.index], xerr=half, fmt="o")
    axes.margins(y=0.5 / len(groups))
    axes.invert_yaxis()
    return figure


def time_spans(ratings: pd.DataFrame) -> Figure:
    """Histogram of the time from each user's first to last rating."""
    times = ratings.groupby(schema.USER)[schema.TIMESTAMP]
    hours = (times.max() - times.min()).clip(lower=1) / 3600
    title = "Time from a user's first to last rating"
    figure, axes = _axes(title, "hours (logarithmic)", "users")
    axes.hist(hours, bins=np.geomspace(0.9 * hours.min(), 1.1 * hours.max(), 60))
    axes.set_xscale("log")
    return figure


def training_curves(history: Sequence[dict]) -> Figure:
    """Loss, validation LogLoss and AUC by epoch, from `loop.fit`; the best epoch is marked."""
    table = pd.DataFrame(history).set_index("epoch")
    best = table["valid_logloss"].idxmin()
    curves = {
        "loss": "Training loss (with penalty and dropout)",
        "valid_logloss": "Validation LogLoss",
        "valid_auc": "Validation AUC",
    }
    figure, axes = _panels(3, 12, 3)
    for part, (column, title) in zip(axes, curves.items(), strict=True):
        part.plot(table[column], "o-")
        part.axvline(best, color="grey", linestyle=":", label="lowest validation LogLoss")
        part.set(title=title, xlabel="epoch", ylabel="AUC" if "auc" in column else "nats per row")
    axes[0].legend(fontsize=7)
    return figure


def attention(layers: np.ndarray, names: Sequence[str]) -> Figure:
    """Heat maps of attention weights, one per layer.

    Args:
        layers: shape (layers, fields, fields); row = query field, column = key field.
        names: of the fields.
    """
    size = 1.2 + 0.32 * len(names)
    width = size * len(layers) + 1
    figure, axes = _panels(len(layers), width, size + 0.8, squeeze=False, sharey=True)
    for number, (part, weights) in enumerate(zip(axes[0], layers, strict=True), 1):
        image = part.imshow(weights, cmap="viridis", vmin=layers.min(), vmax=layers.max())
        part.set_xticks(range(len(names)), names, rotation=90)
        part.set_yticks(range(len(names)), names)
        part.set(title=f"Layer {number}", xlabel="key field")
    axes[0, 0].set_ylabel("query field")
    figure.colorbar(image, ax=axes, label="mean attention weight")
    return figure


def results(table: pd.DataFrame, metric: str, name: str) -> Figure:
    """One metric of every ranker with its 95 % interval.

    Args:
        table: one row per ranker: ranker, `metric` and the interval's half-width, `metric` + "_ci".
        metric: column of the metric.
        name: the metric's name in the figure.
    """
    labels = (f"{name} of each ranker", f"{name} (95 % interval)", "ranker")
    figure, axes = _axes(*labels, width=7, height=0.8 + 0.35 * len(table))
    axes.errorbar(table[metric], table["ranker"], xerr=table[f"{metric}_ci"], fmt="o")
    axes.invert_yaxis()
    return figure


def effects(table: pd.DataFrame, noise: float) -> Figure:
    """Effect of each single change on validation LogLoss, and seed noise; see `grids.effects`."""
    title = "Effect of single changes to the tuned setting"
    xlabel = "difference in validation LogLoss (lower is better)"
    height = 0.8 + 0.3 * len(table)
    figure, axes = _axes(title, xlabel, "changed hyperparameter", width=7, height=height)
    labels = [f"{row.parameter} = {row.value}" for row in table.itertuples()]
    axes.axvspan(-noise, noise, color="lightgrey", label="seed noise (95 %)")
    axes.plot(table["difference"], labels, "o")
    axes.axvline(0, color="grey", linewidth=1)
    axes.invert_yaxis()
    axes.legend()
    return figure


def leads(table: pd.DataFrame) -> Figure:
    """Each model's lead over the best baseline, with its 95 % interval, from `results.read`."""
    ours = table[table["lead"].notna()]
    labels = [
        f"{row.protocol}: {row.ranker}\n(against {row.best_baseline})" for row in ours.itertuples()
    ]
    spread = np.abs(ours[["lead_low", "lead_high"]].to_numpy().T - ours["lead"].to_numpy())
    xlabel = "difference in the protocol's primary metric (95 % interval, paired by user)"
    height = 0.8 + 0.5 * len(ours)
    figure, axes = _axes("Lead over the best baseline", xlabel, "protocol and model", 9, height)
    axes.errorbar(ours["lead"], labels, xerr=spread, fmt="o")
    axes.axvline(0, color="grey", linewidth=1)
    axes.invert_yaxis()
    return figure


def reliability(tables: dict[str, pd.DataFrame]) -> Figure:
    """Reliability diagram of tables of `calibration.reliability`, by the name of the curve."""
    xlabel = "predicted probability of a rating of 4 or more"
    ylabel = "share of ratings of 4 or more"
    figure, axes = _axes("Reliability diagram", xlabel, ylabel, width=5, height=4)
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="perfect calibration")
    for name, table in tables.items():
        axes.plot(table["predicted"], table["liked"], "o-", markersize=4, label=name)
    axes.legend()
    return figure


def metric_by_group(table: pd.DataFrame, metric: str, name: str) -> Figure:
    """One metric of several rankers for each group, with its 95 % interval.

    The arguments are those of `results`; the table also has the column `group`.
    """
    labels = (f"{name} by group", f"{name} (95 % interval over users)", "group")
    figure, axes = _axes(*labels, width=7, height=1 + 0.35 * table["group"].nunique())
    for ranker, rows in table.groupby("ranker", sort=False):
        axes.errorbar(rows[metric], rows["group"], xerr=rows[f"{metric}_ci"], fmt="o", label=ranker)
    axes.invert_yaxis()
    axes.legend()
    return figure


def session_shapes(sessions: Sessions) -> Figure:
    """Histogram of session lengths, and number of events of each item, highest first."""
    figure, axes = _panels(2, 10, 3)
    longest = int(np.quantile(sessions.lengths, 0.99))
    title = f"Session lengths (99 % have up to {longest} events)"
    axes[0].hist(sessions.lengths, bins=np.arange(1.5, longest + 1.5))
    axes[0].set(title=title, xlabel="events", ylabel="sessions")
    counts = np.sort(np.unique(sessions.items, return_counts=True)[1])[::-1]
    axes[1].loglog(np.arange(1, len(counts) + 1), counts)
    axes[1].set(title="Long tail of items", xlabel="rank of the item", ylabel="events")
    return figure


def session_times(sessions: Sessions) -> Figure:
    """Number of sessions that begin in each hour of the day and on each day of the week."""
    begins = pd.to_datetime(sessions.times[sessions.starts[:-1]], unit="s")
    figure, axes = _panels(2, 10, 3)
    axes[0].bar(range(24), np.bincount(begins.hour, minlength=24))
    axes[0].set(title="Sessions by hour", xlabel="hour of the day, as recorded", ylabel="sessions")
    axes[1].bar(DAYS, np.bincount(begins.day_of_week, minlength=7))
    axes[1].set(title="Sessions by day", xlabel="day of the week", ylabel="sessions")
    return figure


def by_epoch(curves: dict[str, Sequence[float]], metric: str) -> Figure:
    """A validation metric after each epoch, one line per model; `curves` has each one's values."""
    figure, axes = _axes(f"{metric} on validation events", "epoch", metric)
    for name, values in curves.items():
        axes.plot(np.arange(1, len(values) + 1), values, "o-", label=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=7)
    return figure


def most_played(plays: pd.Series, listeners: pd.Series) -> Figure:
    """The 20 artists with the most listeners, and the 20 with the most plays.

    Args:
        plays, listeners: number of plays and of listeners, indexed by artist.
    """
    figure, axes = _panels(2, 11, 5)
    for part, values, name in zip(axes, (listeners, plays), ("listeners", "plays"), strict=True):
        top = values.nlargest(20)
        part.barh(top.index, top)
        part.set(title=f"Most {name}", xlabel=name, ylabel="artist")
        part.xaxis.set_major_formatter(EngFormatter())
        part.invert_yaxis()
    return figure


def play_tails(
    plays_per_user: np.ndarray, plays_per_pair: np.ndarray, listeners: np.ndarray
) -> Figure:
    """Histograms of plays per user, plays per pair of user and artist, and listeners per artist."""
    figure, axes = _panels(3, 12, 3)
    panels = (
        (plays_per_user, "Plays per user", "plays (logarithmic)", "users"),
        (plays_per_pair, "Plays per user and artist", "plays (logarithmic)", "pairs"),
        (listeners, "Listeners per artist", "listeners (logarithmic)", "artists"),
    )
    for part, (values, title, xlabel, ylabel) in zip(axes, panels, strict=True):
        part.hist(values, bins=np.unique(np.round(np.geomspace(1, values.max() + 1, 40))) - 0.5)
        part.set(title=title, xlabel=xlabel, ylabel=ylabel, xscale="log")
    axes[2].set_yscale("log")
    return figure


def artist_map(
    points: np.ndarray, clusters: np.ndarray, names: Sequence[str], labels: int
) -> Figure:
    """Artists in the plane, coloured by cluster; up to `labels` of them are named.

    A name is left out if it would overlap one that is already shown.

    Args:
        points: coordinates, shape (artists, 2).
        clusters: cluster numbers, shape (artists,).
        names: of the artists, the ones to name first at the beginning.
        labels: maximum number of names.
    """
    title = "Artists with similar listeners are close together (colours: k-means clusters)"
    axis_labels = ("t-SNE, first axis (no unit)", "t-SNE, second axis (no unit)")
    figure, axes = _axes(title, *axis_labels, width=12, height=9)
    axes.scatter(*points.T, c=clusters, cmap="tab10", s=14)
    figure.draw_without_rendering()  # text sizes are known only after the layout
    boxes = []
    for point, name in zip(points, names, strict=True):
        text = axes.annotate(name, point, fontsize=7, xytext=(3, 3), textcoords="offset points")
        box = text.get_window_extent()
        if len(boxes) == labels or box.count_overlaps(boxes):
            text.remove()
        else:
            boxes.append(box)
    return figure
