"""The figures of the notebooks. Each function returns a matplotlib figure."""

import itertools
from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator

from movierec.data import schema
from movierec.sequences.sessions import Sessions

OURS, OTHERS = "tab:blue", "0.55"  # colours of our models and of everything else
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def _axes(title: str, xlabel: str, ylabel: str, width=6.0, height=3.0) -> tuple[Figure, Axes]:
    """A new figure with one labelled pair of axes; `width` and `height` are in inches."""
    figure, axes = plt.subplots(figsize=(width, height), layout="constrained")
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    return figure, axes


def _panels(count: int, width: float, height: float, **options) -> tuple[Figure, np.ndarray]:
    """A new figure with `count` axes side by side; `width` and `height` are in inches."""
    return plt.subplots(1, count, figsize=(width, height), layout="constrained", **options)


def _stacked(rows: Sequence[int], width: float, **options) -> tuple[Figure, Sequence[Axes]]:
    """A new figure with axes below each other, each as high as its number of rows needs."""
    heights = [0.9 + 0.3 * count for count in rows]
    figure, axes = plt.subplots(
        len(rows),
        1,
        figsize=(width, sum(heights) + 0.3),
        height_ratios=heights,
        layout="constrained",
        squeeze=False,
        **options,
    )
    return figure, axes[:, 0]


def _write_beside(axes: Axes, position: float, text: str, colour: str) -> None:
    """Write a text to the right of the axes, at a position of the vertical axis."""
    transform = axes.get_yaxis_transform()
    axes.annotate(text, (1.01, position), xycoords=transform, va="center", color=colour)


def rating_counts(ratings: pd.DataFrame) -> Figure:
    """Number of ratings with each number of stars; those with the label 1 are blue."""
    counts = ratings[schema.RATING].value_counts().sort_index()
    figure, axes = _axes("Ratings by stars (blue: label 1)", "stars", "ratings")
    colours = [
        "tab:blue" if rating >= schema.FIVE_STARS.liked else "lightgrey" for rating in counts.index
    ]
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
    figure, axes = _panels(3, 12, 5, width_ratios=[2, 2, 3])
    occupations = dict(enumerate(schema.OCCUPATIONS))
    names = {"gender": schema.GENDERS, "age": schema.AGE_GROUPS, "occupation": occupations}
    for part, (column, labels) in zip(axes, names.items(), strict=True):
        counts = users[column].value_counts().reindex(list(labels), fill_value=0)
        bars = part.barh([labels[key] for key in counts.index], counts)
        part.bar_label(bars, padding=2, fontsize=8, fmt="{:,.0f}")
        part.set(title=f"Users by {column}", xlabel="users", xlim=(0, 1.45 * counts.max()))
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
    image = axes.imshow(pairs.where(pairs > 0), norm=LogNorm(1), cmap="viridis")
    axes.set_xticks(range(len(pairs)), pairs.columns, rotation=90)
    axes.set_yticks(range(len(pairs)), pairs.index)
    colorbar = figure.colorbar(image, label="movies (logarithmic colours)")
    colorbar.ax.yaxis.set_major_formatter("{x:,.0f}")
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


def mean_by_group(table: pd.DataFrame, groups: dict[str, dict]) -> Figure:
    """Mean rating of groups of users with their 95 % intervals over users.

    All axes go from one standard deviation (between users) below the overall mean to one above, so
    that a difference looks as large as it is.

    Args:
        table: one row per user, with the column of each grouping and `mean`, the user's mean
            rating.
        groups: column → group → label, in the order of the figure.
    """
    figure, axes = _stacked([len(names) for names in groups.values()], 7, sharex=True)
    centre, spread = table["mean"].mean(), table["mean"].std()
    for part, (column, names) in zip(axes, groups.items(), strict=True):
        rows = table.groupby(column)["mean"].agg(["mean", "std", "count"]).reindex(list(names))
        half = 1.96 * rows["std"] / np.sqrt(rows["count"])
        part.errorbar(rows["mean"], [names[key] for key in rows.index], xerr=half, fmt="o")
        part.axvline(centre, color="grey", linewidth=1)
        title, xlabel = f"Mean of users' mean ratings by {column}", "stars (95 % interval)"
        part.set(title=title, xlabel=xlabel, ylabel=column, xlim=(centre - spread, centre + spread))
        part.margins(y=0.5 / len(names))
        part.invert_yaxis()
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
        "loss": "Training loss, with penalty",
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
    """Heat maps of attention weights, one per layer, compared with uniform attention.

    White is uniform attention, one divided by the number of fields; the colours are logarithmic
    and go from a quarter of it to four times as much, in every figure.

    Args:
        layers: shape (layers, fields, fields); row = query field, column = key field.
        names: of the fields.
    """
    size, uniform = 1.2 + 0.28 * len(names), 1 / len(names)
    width = size * len(layers) + 1.5
    figure, axes = _panels(len(layers), width, size + 0.8, squeeze=False, sharey=True)
    for number, (part, weights) in enumerate(zip(axes[0], layers, strict=True), 1):
        image = part.imshow(weights, cmap="RdBu_r", norm=LogNorm(uniform / 4, uniform * 4))
        part.set_xticks(range(len(names)), names, rotation=90)
        part.set_yticks(range(len(names)), names)
        part.set(title=f"Layer {number}", xlabel="key field")
    axes[0, 0].set_ylabel("query field")
    colorbar = figure.colorbar(image, ax=axes, label="mean attention weight", extend="both")
    times = {1 / 4: "quarter", 1 / 2: "half", 1: "uniform", 2: "double", 4: "fourfold"}
    labels = [f"{factor * uniform:.3f} ({name})" for factor, name in times.items()]
    colorbar.set_ticks([factor * uniform for factor in times], labels=labels)
    colorbar.ax.minorticks_off()
    return figure


def results(table: pd.DataFrame, metric: str, name: str, ours: Sequence[str] = ()) -> Figure:
    """One metric of every ranker with its 95 % interval, the highest first.

    Args:
        table: one row per ranker: ranker, `metric` and the interval's half-width, `metric` + "_ci";
            where that is missing, only the value is shown.
        metric: column of the metric.
        name: the metric's name in the figure.
        ours: rankers to mark.
    """
    table = table.sort_values(metric, ascending=False)
    labels = (f"{name} of each ranker", f"{name} (95 % interval)", "ranker")
    figure, axes = _axes(*labels, width=8, height=1 + 0.27 * len(table))
    for position, row in enumerate(table.to_dict("records")):
        colour = OURS if row["ranker"] in ours else OTHERS
        half = row.get(f"{metric}_ci", np.nan)
        axes.errorbar(row[metric], position, xerr=half, fmt="o", color=colour)
        _write_beside(axes, position, f"{row[metric]:.4f}", colour)
    axes.set_yticks(range(len(table)), table["ranker"])
    for label in axes.get_yticklabels():
        if label.get_text() in ours:
            label.set(color=OURS, fontweight="bold")
    axes.grid(axis="x", alpha=0.3)
    axes.invert_yaxis()
    return figure


def effects(table: pd.DataFrame, noise: float) -> Figure:
    """Effect of each single change on validation LogLoss, worst first, and seed noise.

    Args:
        table: the effects of `grids.effects`.
        noise: the noise of a single run.
    """
    table = table.sort_values("difference", ascending=False)
    title = "Effect of single changes to the tuned setting"
    xlabel = "difference in validation LogLoss (right of the band: worse)"
    height = 0.8 + 0.3 * len(table)
    figure, axes = _axes(title, xlabel, "changed hyperparameter", width=8, height=height)
    axes.axvspan(-noise, noise, color="lightgrey", label=f"seed noise (95 %): ± {noise:.4f}")
    axes.axvline(0, color="grey", linewidth=1)
    for position, row in enumerate(table.itertuples()):
        colour = OURS if abs(row.difference) > noise else OTHERS
        axes.plot(row.difference, position, "o", color=colour)
        _write_beside(axes, position, f"{row.difference:+.4f}", colour)
    axes.set_yticks(
        range(len(table)), [f"{row.parameter} = {row.value}" for row in table.itertuples()]
    )
    axes.invert_yaxis()
    axes.legend(loc="lower right")
    return figure


def differences(
    table: pd.DataFrame,
    title: str,
    metric: str = "",
    groups: str = "",
    sharex: bool = True,
    decimals: int = 4,
) -> Figure:
    """Differences with their 95 % intervals; filled where the interval excludes zero.

    Args:
        table: one row per difference: group, difference, low, high; and optionally `by`, one panel
            for each of its values.
        title: of the figure; with panels, the name of the panel follows.
        metric: what the values are a difference in; by default the name of the panel.
        groups: what the groups are, for the vertical axis; without it the axis has no label.
        sharex: whether all panels have the same range of values.
        decimals: of the differences beside the axes.
    """
    panels = {"": table} if "by" not in table else dict(list(table.groupby("by", sort=False)))
    figure, axes = _stacked([len(rows) for rows in panels.values()], 8, sharex=sharex)
    for part, (name, rows) in zip(axes, panels.items(), strict=True):
        for position, row in enumerate(rows.itertuples()):
            clear = row.low > 0 or row.high < 0
            style = {"color": OURS, "mfc": OURS if clear else "white"}
            spread = [[row.difference - row.low], [row.high - row.difference]]
            part.errorbar(row.difference, position, xerr=spread, fmt="o", **style)
            _write_beside(part, position, f"{row.difference:+.{decimals}f}", "black")
        part.axvline(0, color="grey", linewidth=1)
        part.set_yticks(range(len(rows)), rows["group"])
        part.set(title=f"{title}: {name}" if name else title, ylabel=groups)
        of = f"difference in {metric or name}"
        part.set_xlabel(f"{of}\n(95 % interval; filled: zero outside)")
        part.xaxis.set_major_locator(MaxNLocator(4))  # more numbers would overlap in narrow axes
        part.margins(y=0.5 / len(rows))
        part.invert_yaxis()
    return figure


def calibration_gaps(tables: dict[str, pd.DataFrame]) -> Figure:
    """The calibration gap by predicted probability, and the number of rows in each bin.

    The gap is the share of liked rows minus the mean predicted probability.

    Args:
        tables: tables of `calibration.reliability` by the name of the curve.
    """
    figure, axes = plt.subplots(
        2, 1, figsize=(7, 4.5), height_ratios=[2, 1], layout="constrained", sharex=True
    )
    axes[0].axhline(0, color="grey", linewidth=1)
    for (name, table), marker in zip(tables.items(), itertools.cycle("os^v"), strict=False):
        share, rows = table["liked"], table["rows"]
        half = 1.96 * np.sqrt(share * (1 - share) / rows)
        gap = share - table["predicted"]
        axes[0].errorbar(table["predicted"], gap, yerr=half, fmt=f"{marker}-", label=name)
        axes[1].step(table["predicted"], rows, where="mid", label=name)
    axes[0].set(title="Calibration gap: share liked minus predicted probability", ylabel="gap")
    axes[0].set_xlabel("predicted probability of a rating of 4 or more")
    axes[0].legend()
    axes[1].set(title="Rows per bin", xlabel=axes[0].get_xlabel(), ylabel="rows")
    axes[1].yaxis.set_major_formatter(EngFormatter())
    axes[1].set_ylim(bottom=0)
    return figure


def metric_by_group(
    tables: dict[str, pd.DataFrame], xlabel: str, offset: float = 0, ours: Sequence[str] = ()
) -> Figure:
    """Metrics of several rankers by ordered group, with 95 % intervals; one panel per metric.

    Args:
        tables: metric's name → one row per group and ranker: group, ranker, mean, half (half-width
            of the interval).
        xlabel: what the groups are.
        offset: horizontal distance between two rankers, as a part of that between two groups: keeps
            their intervals apart, but makes steep curves hard to compare.
        ours: rankers to draw in shades of blue; the others are grey.
    """
    figure, axes = _panels(len(tables), 5 * len(tables) + 2, 3.4, squeeze=False)
    for part, (name, table) in zip(axes[0], tables.items(), strict=True):
        markers, groups = itertools.cycle("os^vD"), table["group"].unique()
        rankers = dict(list(table.groupby("ranker", sort=False)))
        shifts = offset * (np.arange(len(rankers)) - (len(rankers) - 1) / 2)
        blue, grey = (
            itertools.cycle(plt.colormaps[name](np.linspace(darkest, 0.35, 4)))
            for name, darkest in (("Blues", 0.85), ("Greys", 0.6))
        )
        for (ranker, rows), shift in zip(rankers.items(), shifts, strict=True):
            position = pd.Index(groups).get_indexer(rows["group"]) + shift
            style = {"fmt": f"{next(markers)}-", "color": next(blue if ranker in ours else grey)}
            part.errorbar(position, rows["mean"], rows["half"], ms=4, label=ranker, **style)
        part.set_xticks(range(len(groups)), groups)
        part.set(title=name, xlabel=xlabel, ylabel=f"{name} (95 % interval)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", fontsize=8)
    return figure


def session_shapes(
    sessions: Sessions,
    title: str = "Session lengths",
    session: str = "session",
    item: str = "item",
    event: str = "event",
) -> Figure:
    """Histogram of session lengths, and number of events of each item, highest first.

    Args:
        sessions: the sessions.
        title: of the histogram.
        session, item, event: what they are called in titles and labels, in the singular.
    """
    figure, axes = _panels(2, 10, 3)
    longest = int(np.quantile(sessions.lengths, 0.99))
    title = f"{title} (99 % have up to {longest} {event}s)"
    # a bin per length would leave gaps between the bars if sessions are long
    width = max(1, longest // 40)
    axes[0].hist(sessions.lengths, bins=np.arange(0.5, longest + width, width))
    axes[0].set(title=title, xlabel=f"{event}s", ylabel=f"{session}s")
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True))
    counts = np.sort(np.unique(sessions.items, return_counts=True)[1])[::-1]
    axes[1].loglog(np.arange(1, len(counts) + 1), counts)
    axes[1].set(title=f"Long tail of {item}s", xlabel=f"rank of the {item}", ylabel=f"{event}s")
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

    A name is left out if it would overlap one that is already shown. It is written to the left of
    its point if it would leave the axes on the right. The legend names each cluster by its first
    three artists.

    Args:
        points: coordinates, shape (artists, 2).
        clusters: cluster numbers, shape (artists,).
        names: of the artists, the ones to name first at the beginning.
        labels: maximum number of names.
    """
    title = "Artists with similar listeners are close together"
    axis_labels = ("t-SNE, first axis (no unit)", "t-SNE, second axis (no unit)")
    figure, axes = _axes(title, *axis_labels, width=14, height=9)
    names = np.asarray(names)
    for cluster, marker in zip(np.unique(clusters), itertools.cycle("os^vDP*X")):
        of_cluster = clusters == cluster
        label = ", ".join(names[of_cluster][:3])
        axes.scatter(*points[of_cluster].T, s=18, marker=marker, label=label)
    figure.legend(
        loc="outside right upper", fontsize=8, title="clusters, by their best-known artists"
    )
    figure.draw_without_rendering()  # text sizes are known only after the layout
    boxes = []
    for point, name in zip(points, names, strict=True):
        text = axes.annotate(name, point, fontsize=7, xytext=(3, 3), textcoords="offset points")
        box = text.get_window_extent()
        if box.x1 > axes.bbox.x1:
            text.set(horizontalalignment="right")
            text.xyann = (-3, 3)
            box = text.get_window_extent()
        if len(boxes) == labels or box.count_overlaps(boxes):
            text.remove()
        else:
            boxes.append(box)
    return figure
