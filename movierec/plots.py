"""The figures that notebooks show. Each function returns a matplotlib figure."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from movierec.datasets import MOVIE, RATING, USER
from movierec.preprocess import LIKED


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
