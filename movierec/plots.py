"""The figures that notebooks show. Each function returns a matplotlib figure."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from movierec.datasets import AGE_GROUPS, GENDERS, MOVIE, OCCUPATIONS, RATING, TIMESTAMP, USER
from movierec.sessiondata import Sessions
from movierec.settings import LIKED


def rating_counts(ratings: pd.DataFrame) -> Figure:
    """How often each rating was given; the liked ones stand out."""
    counts = ratings[RATING].value_counts().sort_index()
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    colours = ["tab:blue" if rating >= LIKED else "lightgrey" for rating in counts.index]
    bars = axes.bar(counts.index, counts, color=colours)
    axes.bar_label(bars, [f"{share:.0%}" for share in counts / counts.sum()])
    axes.set(title="Ratings given (blue: label 1)", xlabel="rating, stars", ylabel="ratings")
    axes.margins(y=0.15)
    return figure


def long_tails(ratings: pd.DataFrame) -> Figure:
    """Ratings per user and per film, from the most to the fewest, on logarithmic axes."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for key, name in ((USER, "user"), (MOVIE, "film")):
        counts = ratings[key].value_counts().to_numpy()
        axes.loglog(np.arange(1, len(counts) + 1), counts, label=f"per {name}")
    axes.set(title="Long tails", xlabel="rank of the user or film", ylabel="ratings")
    axes.legend()
    return figure


def user_groups(users: pd.DataFrame) -> Figure:
    """How many users there are of each gender, age group and occupation."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout="constrained", width_ratios=[1, 2, 4])
    names = {"gender": GENDERS, "age": AGE_GROUPS, "occupation": dict(enumerate(OCCUPATIONS))}
    for part, (column, labels) in zip(axes, names.items(), strict=True):
        counts = users[column].value_counts().reindex(list(labels), fill_value=0)
        bars = part.barh([labels[key] for key in counts.index], counts)
        part.bar_label(bars, padding=2, fontsize=7)
        part.set(title=f"Users by {column}", xlabel="users")
        part.margins(x=0.3)
        part.invert_yaxis()
    return figure


def films_by_year(years: pd.Series) -> Figure:
    """Films by year of release; `years` may have missing values, which are left out."""
    counts = years.dropna().astype(int).value_counts().sort_index()
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.bar(counts.index, counts, width=1)
    axes.set(title="Films by year of release", xlabel="year of release", ylabel="films")
    return figure


def genre_pairs(pairs: pd.DataFrame) -> Figure:
    """How often two genres stand on one film; `pairs` is square, genres by genres."""
    figure, axes = plt.subplots(figsize=(7, 6), layout="constrained")
    image = axes.imshow(np.log10(pairs.where(pairs > 0)), cmap="viridis")
    axes.set_xticks(range(len(pairs)), pairs.columns, rotation=90)
    axes.set_yticks(range(len(pairs)), pairs.index)
    axes.set(title="Films that carry both genres (white: none)", xlabel="genre", ylabel="genre")
    figure.colorbar(image, label="films, logarithm to base 10")
    return figure


def rating_times(time: pd.Series) -> Figure:
    """Ratings by month, hour of the day and weekday; `time` holds UTC times."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained", width_ratios=[2, 1, 1])
    months = time.dt.strftime("%Y-%m").value_counts().sort_index()
    months.index = pd.to_datetime(months.index)
    axes[0].bar(months.index, months, width=25)
    axes[0].set(title="Ratings by month", xlabel="month (UTC)", ylabel="ratings", yscale="log")
    axes[0].tick_params(axis="x", rotation=45)
    hours = time.dt.hour.value_counts().sort_index()
    axes[1].bar(hours.index, hours)
    axes[1].set(title="... by hour", xlabel="hour of the day (UTC)", ylabel="ratings")
    days = time.dt.day_of_week.value_counts().reindex(range(7), fill_value=0)
    axes[2].bar(["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"], days)
    axes[2].set(title="... by weekday", xlabel="weekday (UTC)", ylabel="ratings")
    return figure


def mean_by_group(table: pd.DataFrame, column: str, names: dict) -> Figure:
    """Mean rating of each group with its 95 % interval over users.

    Args:
        table: one row a user: `column` and the user's mean rating, `mean`.
        column: the group.
        names: what to call the groups, in order.
    """
    groups = table.groupby(column)["mean"].agg(["mean", "std", "count"]).reindex(list(names))
    half = 1.96 * groups["std"] / np.sqrt(groups["count"])
    figure, axes = plt.subplots(figsize=(6, 1.2 + 0.25 * len(groups)), layout="constrained")
    axes.errorbar(groups["mean"], [names[key] for key in groups.index], xerr=half, fmt="o")
    axes.set(title=f"Mean of users' mean ratings by {column}", xlabel="stars (95 % interval)")
    axes.set_ylabel(column)
    axes.margins(y=0.5 / len(groups))
    axes.invert_yaxis()
    return figure


def time_spans(ratings: pd.DataFrame) -> Figure:
    """Over what time each user rated, from first to last rating."""
    times = ratings.groupby(USER)[TIMESTAMP]
    hours = (times.max() - times.min()).clip(lower=1) / 3600
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    axes.hist(hours, bins=np.geomspace(0.9 * hours.min(), 1.1 * hours.max(), 60))
    axes.set(
        title="Time from a user's first to last rating",
        xlabel="hours (logarithmic)",
        ylabel="users",
        xscale="log",
    )
    return figure


def training_curves(history: Sequence[dict]) -> Figure:
    """Training loss, validation LogLoss and validation AUC by epoch; the best epoch is marked."""
    table = pd.DataFrame(history).set_index("epoch")
    best = table["valid_logloss"].idxmin()
    curves = {
        "loss": "Training loss, with penalty and dropout",
        "valid_logloss": "Validation LogLoss",
        "valid_auc": "Validation AUC",
    }
    figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
    for part, (column, title) in zip(axes, curves.items(), strict=True):
        part.plot(table[column], "o-")
        part.axvline(best, color="grey", linestyle=":", label="lowest validation LogLoss")
        part.set(title=title, xlabel="epoch", ylabel="AUC" if "auc" in column else "nats a row")
    axes[0].legend(fontsize=7)
    return figure


def attention(layers: np.ndarray, names: Sequence[str]) -> Figure:
    """Heat maps of attention, one a layer; `layers` has the shape (layers, fields, fields)."""
    size = 1.2 + 0.32 * len(names)
    figure, axes = plt.subplots(
        1,
        len(layers),
        figsize=(size * len(layers) + 1, size + 0.8),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    for number, (part, weights) in enumerate(zip(axes[0], layers, strict=True), 1):
        image = part.imshow(weights, cmap="viridis", vmin=layers.min(), vmax=layers.max())
        part.set_xticks(range(len(names)), names, rotation=90)
        part.set_yticks(range(len(names)), names)
        part.set(title=f"Layer {number}", xlabel="field looked at")
    axes[0, 0].set_ylabel("field that looks")
    figure.colorbar(image, ax=axes, label="mean attention weight")
    return figure


def results(table: pd.DataFrame, metric: str, name: str) -> Figure:
    """One metric of every ranker with its interval, from a table of `evaluation.evaluate`."""
    figure, axes = plt.subplots(figsize=(7, 0.8 + 0.35 * len(table)), layout="constrained")
    axes.errorbar(table[metric], table["ranker"], xerr=table[f"{metric}_ci"], fmt="o")
    axes.set(title=f"{name} of each ranker", xlabel=f"{name} (with its 95 % interval)")
    axes.set_ylabel("ranker")
    axes.invert_yaxis()
    return figure


def effects(table: pd.DataFrame, noise: float, metric: str = "validation LogLoss") -> Figure:
    """What each change of one parameter did; `table` and `noise` are of `grids.effects`."""
    figure, axes = plt.subplots(figsize=(7, 0.8 + 0.3 * len(table)), layout="constrained")
    labels = [f"{row.parameter} = {row.value}" for row in table.itertuples()]
    axes.axvspan(-noise, noise, color="lightgrey", label="another seed alone (95 %)")
    axes.plot(table["difference"], labels, "o")
    axes.axvline(0, color="grey", linewidth=1)
    axes.set(
        title=f"Change of {metric} against the tuned setting",
        xlabel=f"{metric}, difference (lower is better)",
        ylabel="the one parameter changed",
    )
    axes.invert_yaxis()
    axes.legend()
    return figure


def leads(table: pd.DataFrame) -> Figure:
    """Every model's lead over the best baseline of its protocol, with its paired interval.

    Args:
        table: of `evaluation.evaluate`, any number of protocols.
    """
    ours = table[table["lead"].notna()]
    labels = [
        f"{row.protocol}: {row.ranker}\n(against {row.best_baseline})" for row in ours.itertuples()
    ]
    spread = np.abs(ours[["lead_low", "lead_high"]].to_numpy().T - ours["lead"].to_numpy())
    figure, axes = plt.subplots(figsize=(9, 0.8 + 0.5 * len(ours)), layout="constrained")
    axes.errorbar(ours["lead"], labels, xerr=spread, fmt="o")
    axes.axvline(0, color="grey", linewidth=1)
    axes.set(
        title="Lead over the best baseline",
        xlabel="difference in the protocol's main metric (95 %, paired over users)",
        ylabel="protocol and model",
    )
    axes.invert_yaxis()
    return figure


def reliability(tables: dict[str, pd.DataFrame]) -> Figure:
    """Predicted probability against the share that happened.

    Args:
        tables: name of a curve → a table with one row a bin: predicted, liked, rows.
    """
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.plot([0, 1], [0, 1], color="grey", linewidth=1, label="as predicted")
    for name, table in tables.items():
        axes.plot(table["predicted"], table["liked"], "o-", markersize=4, label=name)
    axes.set(
        title="Reliability",
        xlabel="predicted probability of a rating of 4 or more",
        ylabel="share of ratings of 4 or more",
    )
    axes.legend()
    return figure


def slices(table: pd.DataFrame, metric: str, name: str) -> Figure:
    """A metric by group for several rankers.

    Args:
        table: group, ranker, the metric and its `_ci`.
        metric, name: its column, and what to call it.
    """
    height = 1 + 0.35 * table["group"].nunique()
    figure, axes = plt.subplots(figsize=(7, height), layout="constrained")
    for ranker, rows in table.groupby("ranker", sort=False):
        axes.errorbar(rows[metric], rows["group"], xerr=rows[f"{metric}_ci"], fmt="o", label=ranker)
    axes.set(title=f"{name} by group", xlabel=f"{name} (95 % interval over users)", ylabel="group")
    axes.invert_yaxis()
    axes.legend()
    return figure


def session_shapes(sessions: Sessions) -> Figure:
    """How long sessions are, and how often items are chosen, from the most to the least."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
    longest = int(np.quantile(sessions.lengths, 0.99))
    axes[0].hist(sessions.lengths, bins=np.arange(1.5, longest + 1.5))
    axes[0].set(
        title=f"Lengths of sessions (99 % have {longest} events or fewer)",
        xlabel="events",
        ylabel="sessions",
    )
    counts = np.sort(np.unique(sessions.items, return_counts=True)[1])[::-1]
    axes[1].loglog(np.arange(1, len(counts) + 1), counts)
    axes[1].set(title="Long tail of items", xlabel="rank of the item", ylabel="events")
    return figure


def session_times(sessions: Sessions) -> Figure:
    """When sessions begin: by hour of the day and by day of the week."""
    began = pd.to_datetime(sessions.times[sessions.starts[:-1]], unit="s")
    figure, axes = plt.subplots(1, 2, figsize=(10, 3), layout="constrained")
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    hours = np.bincount(began.hour, minlength=24)
    axes[0].bar(range(24), hours)
    axes[0].set(title="Sessions by hour", xlabel="hour of the day, as recorded", ylabel="sessions")
    axes[1].bar(days, np.bincount(began.day_of_week, minlength=7))
    axes[1].set(title="Sessions by day", xlabel="day of the week", ylabel="sessions")
    return figure


def by_epoch(curves: dict[str, Sequence[float]], metric: str) -> Figure:
    """A metric on validation events after each epoch, one line a model."""
    figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
    for name, values in curves.items():
        axes.plot(np.arange(1, len(values) + 1), values, "o-", label=name)
    axes.set(title=f"{metric} on validation events", xlabel="epoch", ylabel=metric)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(fontsize=7)
    return figure


def most_played(plays: pd.Series, listeners: pd.Series) -> Figure:
    """The artists with most listeners, and with most plays."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 5), layout="constrained")
    for part, (values, name) in zip(
        axes, ((listeners, "listeners"), (plays, "plays")), strict=True
    ):
        top = values.nlargest(20)
        part.barh(top.index, top)
        part.set(title=f"Most {name}", xlabel=name, ylabel="artist")
        part.xaxis.set_major_formatter(EngFormatter())
        part.invert_yaxis()
    return figure


def play_tails(plays_a_user: np.ndarray, counts: np.ndarray, listeners: np.ndarray) -> Figure:
    """Plays of each user, plays of each user and artist, and listeners of each artist."""
    figure, axes = plt.subplots(1, 3, figsize=(12, 3), layout="constrained")
    panels = (
        (plays_a_user, "Plays of a user", "plays (logarithmic)", "users"),
        (counts, "Plays of one artist by a user", "plays (logarithmic)", "pairs"),
        (listeners, "Listeners of an artist", "listeners (logarithmic)", "artists"),
    )
    for part, (values, title, label, of) in zip(axes, panels, strict=True):
        edges = np.unique(np.round(np.geomspace(1, values.max() + 1, 40))) - 0.5
        part.hist(values, bins=edges)
        part.set(title=title, xlabel=label, ylabel=of, xscale="log")
    axes[2].set_yscale("log")
    return figure


def artist_map(places: np.ndarray, groups: np.ndarray, names: Sequence[str], labels: int) -> Figure:
    """Artists in the plane; the first `labels` of those whose names have room are named."""
    figure, axes = plt.subplots(figsize=(12, 9), layout="constrained")
    axes.scatter(*places.T, c=groups, cmap="tab10", s=14)
    axes.set(
        title="Artists whose listeners are alike stand together (colours: groups of k-means)",
        xlabel="t-SNE, first axis (no unit)",
        ylabel="t-SNE, second axis (no unit)",
    )
    figure.draw_without_rendering()  # where texts stand is known once the axes have their place
    taken = []
    for place, name in zip(places, names, strict=True):
        text = axes.annotate(name, place, fontsize=7, xytext=(3, 3), textcoords="offset points")
        box = text.get_window_extent()
        if len(taken) == labels or box.count_overlaps(taken):
            text.remove()
        else:
            taken.append(box)
    return figure
