"""The page's charts, as altair specifications.

They are shown without Streamlit's chart theme, whose labels are too pale on a light page; their
text has the page's own colour all the same.
"""

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

BAR, MARK, THIRD, EVEN = "#0f8596", "#e2673f", "#8b7bd8", "#c3cccf"  # legible on light and dark
ROW = 22  # height of a bar, pixels


def against_everyone(table: pd.DataFrame, words: Mapping[str, str]):
    """Bars for a user's shares, a tick where everyone stands.

    Args:
        table: `name`, `share`, `everyone` (see `movierec.portrait`), from top to bottom.
        words: texts: share, this_user, everyone.
    """
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=150))
    percent = alt.Axis(format=".0%", tickCount=4)
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("share:Q", title=words["this_user"], format=".0%"),
        alt.Tooltip("everyone:Q", title=words["everyone"], format=".0%"),
    ]
    base = alt.Chart(table).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(color=BAR, height={"band": 0.65}).encode(
        x=alt.X("share:Q", title=words["share"], axis=percent)
    )
    ticks = base.mark_tick(color=MARK, thickness=3, size=16).encode(x="everyone:Q")
    return (bars + ticks).properties(height=ROW * len(table) + 50)


def months(table: pd.DataFrame, words: Mapping[str, str]):
    """Ratings by month; `table` has `month` and `ratings`, `words` month and ratings."""
    table = table.assign(label=table["month"].dt.strftime("%Y-%m"))
    return (
        alt.Chart(table)
        .mark_bar(color=BAR)
        .encode(
            x=alt.X("label:N", title=words["month"], axis=alt.Axis(labelOverlap=True)),
            y=alt.Y("ratings:Q", title=words["ratings"], axis=alt.Axis(tickMinStep=1)),
            tooltip=[
                alt.Tooltip("label:N", title=words["month"]),
                alt.Tooltip("ratings:Q", title=words["ratings"]),
            ],
        )
        .properties(height=ROW * 9)
    )


def attention(weights: np.ndarray, labels: Sequence[str], words: Mapping[str, str]):
    """Heat map of (fields, fields) weights; rows look at columns, even attention is grey.

    Args:
        weights: rows sum to 1.
        labels: one a field, all different.
        words: texts: looks, looked_at, weight.
    """
    fields = len(labels)
    table = pd.DataFrame(
        {
            "looks": np.repeat(labels, fields),
            "looked_at": np.tile(labels, fields),
            "weight": weights.ravel().astype(float),
        }
    )
    even, axis = 1 / fields, alt.Axis(labelLimit=170, labelOverlap=False)
    top = max(2 * even, float(weights.max()))
    scale = alt.Scale(domain=[0, even, top], range=[MARK, EVEN, BAR], interpolate="rgb")
    return (
        alt.Chart(table)
        .mark_rect()
        .encode(
            x=alt.X("looked_at:N", sort=None, title=words["looked_at"], axis=axis),
            y=alt.Y("looks:N", sort=None, title=words["looks"], axis=axis),
            color=alt.Color(
                "weight:Q",
                title=words["weight"],
                scale=scale,
                legend=alt.Legend(orient="top", format=".0%", gradientLength=110, tickCount=2),
            ),
            tooltip=[
                alt.Tooltip("looks:N", title=words["looks"]),
                alt.Tooltip("looked_at:N", title=words["looked_at"]),
                alt.Tooltip("weight:Q", title=words["weight"], format=".1%"),
            ],
        )
        .properties(height=ROW * fields + 340)
    )


def left_out(table: pd.DataFrame, words: Mapping[str, str]):
    """Bars from the probability as it is to that without each field.

    Args:
        table: `name`, `without` and `probability` (the same in every row).
        words: texts: field, without, as_is.
    """
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=170))
    scale = alt.Scale(zero=False, nice=True)
    base = alt.Chart(table).encode(
        y=y,
        tooltip=[
            alt.Tooltip("name:N", title=words["field"]),
            alt.Tooltip("without:Q", title=words["without"], format=".1%"),
            alt.Tooltip("probability:Q", title=words["as_is"], format=".1%"),
        ],
    )
    bars = base.mark_bar(height={"band": 0.65}).encode(
        x=alt.X(
            "probability:Q",
            title=words["without"],
            scale=scale,
            axis=alt.Axis(format=".0%", tickCount=5),
        ),
        x2="without:Q",
        color=alt.condition("datum.without < datum.probability", alt.value(BAR), alt.value(MARK)),
    )
    rule = alt.Chart(table[:1]).mark_rule(strokeDash=[4, 3], color="#888")
    return (bars + rule.encode(x="probability:Q")).properties(height=ROW * len(table) + 60)


def reliability(table: pd.DataFrame, words: Mapping[str, str]):
    """Share of liked films against the predicted probability, one line a ranker.

    Args:
        table: `ranker`, `predicted`, `liked`, `rows` (see `movierec.reliability`).
        words: texts: predicted, liked, rows.
    """
    edge = pd.DataFrame({"predicted": [0.0, 1.0], "liked": [0.0, 1.0]})
    unit = alt.Scale(domain=[0, 1])
    percent = alt.Axis(format=".0%", tickCount=5)
    x = alt.X("predicted:Q", title=words["predicted"], scale=unit, axis=percent)
    y = alt.Y("liked:Q", title=words["liked"], scale=unit, axis=percent)
    ideal = alt.Chart(edge).mark_line(strokeDash=[4, 3], color="#888").encode(x=x, y=y)
    base = alt.Chart(table).encode(
        x=x,
        y=y,
        color=alt.Color(
            "ranker:N",
            title=None,
            scale=alt.Scale(range=[THIRD, BAR, MARK]),
            legend=alt.Legend(orient="top"),
        ),
        tooltip=[
            alt.Tooltip("ranker:N", title=" "),
            alt.Tooltip("predicted:Q", title=words["predicted"], format=".1%"),
            alt.Tooltip("liked:Q", title=words["liked"], format=".1%"),
            alt.Tooltip("rows:Q", title=words["rows"], format=","),
        ],
    )
    return (ideal + base.mark_line() + base.mark_point(filled=True, size=45)).properties(height=380)
