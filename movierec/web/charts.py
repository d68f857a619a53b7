"""The page's charts, as altair specifications; `words` are always the page's texts.

The page shows them without Streamlit's chart theme, whose labels are too pale on a light page.
"""

from collections.abc import Mapping, Sequence

import altair as alt
import numpy as np
import pandas as pd

# legible on light and dark pages
BAR, MARK, THIRD, UNIFORM = "#0f8596", "#e2673f", "#8b7bd8", "#c3cccf"
ROW = 22  # height of a bar, pixels


def shares(table: pd.DataFrame, words: Mapping[str, str]):
    """Bars for a user's shares, with ticks for all users' (see `serving.user_profile`)."""
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=150))
    x = alt.X("share:Q", title=words["share"], axis=alt.Axis(format=".0%", tickCount=4))
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("share:Q", title=words["this_user"], format=".0%"),
        alt.Tooltip("overall:Q", title=words["overall"], format=".0%"),
    ]
    base = alt.Chart(table).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(color=BAR, height={"band": 0.65}).encode(x=x)
    ticks = base.mark_tick(color=MARK, thickness=3, size=16).encode(x="overall:Q")
    return (bars + ticks).properties(height=ROW * len(table) + 50)


def months(table: pd.DataFrame, words: Mapping[str, str]):
    """Bars for the number of ratings per month; `table` has `month` and `ratings`."""
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
    """Heat map of attention weights; uniform attention is grey.

    Args:
        weights: shape (fields, fields): row = query field, column = key field; rows sum to 1.
        labels: one label per field, all different.
    """
    fields = len(labels)
    table = pd.DataFrame({"query": np.repeat(labels, fields), "key": np.tile(labels, fields)})
    table["weight"] = weights.ravel().astype(float)
    uniform, axis = 1 / fields, alt.Axis(labelLimit=170, labelOverlap=False)
    top = max(2 * uniform, float(weights.max()))
    scale = alt.Scale(domain=[0, uniform, top], range=[MARK, UNIFORM, BAR], interpolate="rgb")
    legend = alt.Legend(orient="top", format=".0%", gradientLength=110, tickCount=2)
    return (
        alt.Chart(table)
        .mark_rect()
        .encode(
            x=alt.X("key:N", sort=None, title=words["key_field"], axis=axis),
            y=alt.Y("query:N", sort=None, title=words["query_field"], axis=axis),
            color=alt.Color("weight:Q", title=words["weight"], scale=scale, legend=legend),
            tooltip=[
                alt.Tooltip("query:N", title=words["query_field"]),
                alt.Tooltip("key:N", title=words["key_field"]),
                alt.Tooltip("weight:Q", title=words["weight"], format=".1%"),
            ],
        )
        .properties(height=ROW * fields + 340)
    )


def log_odds(table: pd.DataFrame, words: Mapping[str, str]):
    """A bar chart of what each field adds to the log-odds.

    Args:
        table: `name`, `change` (of the log-odds) and `without`, the probability without the field.
    """
    y = alt.Y("name:N", sort=None, title=None, axis=alt.Axis(labelLimit=170))
    most = max(float(table["change"].abs().max()), 0.5)
    scale = alt.Scale(domain=[-most, most], nice=True)
    axis = alt.Axis(tickCount=5, labelExpr="datum.value ? format(datum.value, '+.1f') : '0'")
    x = alt.X("change:Q", title=words["change"], scale=scale, axis=axis)
    color = alt.condition("datum.change > 0", alt.value(BAR), alt.value(MARK))
    tooltip = [
        alt.Tooltip("name:N", title=words["field"]),
        alt.Tooltip("change:Q", title=words["change"], format="+.2f"),
        alt.Tooltip("without:Q", title=words["without"], format=".1%"),
    ]
    base = alt.Chart(table).encode(y=y, tooltip=tooltip)
    bars = base.mark_bar(height={"band": 0.65}).encode(x=x, color=color)
    rule = alt.Chart(pd.DataFrame({"change": [0]})).mark_rule(color="#888").encode(x="change:Q")
    return (bars + rule).properties(height=ROW * len(table) + 60)


def reliability(table: pd.DataFrame, words: Mapping[str, str]):
    """Share of liked movies against the predicted probability, from reliability.csv."""
    edge = pd.DataFrame({"predicted": [0.0, 1.0], "liked": [0.0, 1.0]})
    unit, percent = alt.Scale(domain=[0, 1]), alt.Axis(format=".0%", tickCount=5)
    x = alt.X("predicted:Q", title=words["predicted"], scale=unit, axis=percent)
    y = alt.Y("liked:Q", title=words["liked"], scale=unit, axis=percent)
    ideal = alt.Chart(edge).mark_line(strokeDash=[4, 3], color="#888").encode(x=x, y=y)
    scale, legend = alt.Scale(range=[THIRD, BAR, MARK]), alt.Legend(orient="top")
    color = alt.Color("ranker:N", title=None, scale=scale, legend=legend)
    tooltip = [
        alt.Tooltip("ranker:N", title=" "),
        alt.Tooltip("predicted:Q", title=words["predicted"], format=".1%"),
        alt.Tooltip("liked:Q", title=words["liked"], format=".1%"),
        alt.Tooltip("rows:Q", title=words["rows"], format=","),
    ]
    base = alt.Chart(table).encode(x=x, y=y, color=color, tooltip=tooltip)
    return (ideal + base.mark_line() + base.mark_point(filled=True, size=45)).properties(height=380)
