"""The page's charts, as Vega-Lite specifications; `words` are always the page's texts.

They are plain dicts: building and checking them with altair took longer than ranking the list. The
page shows them without Streamlit's chart theme, whose labels are too pale on a light page.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

# legible on light and dark pages
BAR, MARK, UNIFORM = "#0f8596", "#e2673f", "#c3cccf"
ROW = 22  # height of a bar, pixels


def shares(table: pd.DataFrame, words: Mapping[str, str]) -> dict:
    """Bars for a user's shares, with ticks for all users' (see `serving.user_profile`)."""
    x = _number("share", words["share"], axis={"format": ".0%", "tickCount": 4})
    tooltip = [
        _text("name", " "),
        _number("share", words["this_user"], format=".0%"),
        _number("overall", words["overall"], format=".0%"),
    ]
    return {
        "data": _data(table),
        "height": ROW * len(table) + 50,
        "encoding": {"y": _rows(150), "tooltip": tooltip},
        "layer": [
            {"mark": {"type": "bar", "color": BAR, "height": {"band": 0.65}}, "encoding": {"x": x}},
            {
                "mark": {"type": "tick", "color": MARK, "thickness": 3, "size": 16},
                "encoding": {"x": _number("overall", words["share"])},
            },
        ],
    }


def months(table: pd.DataFrame, words: Mapping[str, str]) -> dict:
    """Bars for the number of ratings per month; `table` has `month` and `ratings`."""
    table = table.assign(month=table["month"].dt.strftime("%Y-%m"))
    month, ratings = _text("month", words["month"]), _number("ratings", words["ratings"])
    return {
        "data": _data(table),
        "height": ROW * 9,
        "mark": {"type": "bar", "color": BAR},
        "encoding": {
            "x": month | {"axis": {"labelOverlap": True}},
            "y": ratings | {"axis": {"tickMinStep": 1}},
            "tooltip": [month, ratings],
        },
    }


def attention(weights: np.ndarray, labels: Sequence[str], words: Mapping[str, str]) -> dict:
    """Heat map of attention weights; uniform attention is grey.

    Args:
        weights: shape (fields, fields): row = query field, column = key field; rows sum to 1.
        labels: one label per field, all different.
    """
    fields = len(labels)
    table = pd.DataFrame({"query": np.repeat(labels, fields), "key": np.tile(labels, fields)})
    table["weight"] = weights.ravel().astype(float)
    uniform, axis = 1 / fields, {"labelLimit": 170, "labelOverlap": False}
    scale = {
        "domain": [0, uniform, max(2 * uniform, float(weights.max()))],
        "range": [MARK, UNIFORM, BAR],
        "interpolate": "rgb",
    }
    legend = {"orient": "top", "titleOrient": "left", "format": ".0%", "tickCount": 2}
    key, query = _text("key", words["key_field"]), _text("query", words["query_field"])
    return {
        "data": _data(table),
        "height": ROW * fields + 340,
        "mark": "rect",
        "encoding": {
            "x": key | {"sort": None, "axis": axis},
            "y": query | {"sort": None, "axis": axis},
            "color": _number("weight", words["weight"], scale=scale, legend=legend),
            "tooltip": [query, key, _number("weight", words["weight"], format=".1%")],
        },
    }


def log_odds(table: pd.DataFrame, words: Mapping[str, str]) -> dict:
    """A bar chart of what each field adds to the log-odds.

    Args:
        table: `name`, `change` (of the log-odds) and `without`, the probability without the field
            as text.
    """
    most = max(float(table["change"].abs().max()), 0.5)
    scale = {"domain": [-most, most], "nice": True}
    axis = {"tickCount": 5, "labelExpr": "datum.value ? format(datum.value, '+.1f') : '0'"}
    color = {"condition": {"test": "datum.change > 0", "value": BAR}, "value": MARK}
    tooltip = [
        _text("name", words["field"]),
        _number("change", words["change"], format="+.2f"),
        _text("without", words["without"]),
    ]
    x = _number("change", words["change"], scale=scale, axis=axis)
    return {
        "height": ROW * len(table) + 60,
        "layer": [
            {
                "data": _data(table),
                "mark": {"type": "bar", "height": {"band": 0.65}},
                "encoding": {"y": _rows(170), "x": x, "color": color, "tooltip": tooltip},
            },
            {
                "data": {"values": [{"change": 0}]},
                "mark": {"type": "rule", "color": "#888"},
                "encoding": {"x": {"field": "change", "type": "quantitative"}},
            },
        ],
    }


def reliability(table: pd.DataFrame, words: Mapping[str, str]) -> dict:
    """Share of liked movies against the predicted probability, from reliability.csv."""
    unit = {"scale": {"domain": [0, 1]}, "axis": {"format": ".0%", "tickCount": 5}}
    encoding = {
        "x": _number("predicted", words["predicted"], **unit),
        "y": _number("liked", words["liked"], **unit),
    }
    ideal = pd.DataFrame({"predicted": [0.0, 1.0], "liked": [0.0, 1.0]})
    scale, legend = {"range": [MARK, BAR]}, {"orient": "top"}
    models = {
        "color": _text("ranker", None) | {"scale": scale, "legend": legend},
        "tooltip": [
            _text("ranker", " "),
            _number("predicted", words["predicted"], format=".1%"),
            _number("liked", words["liked"], format=".1%"),
            _number("rows", words["rows"], format=","),
        ],
    }
    marks = ({"type": "line"}, {"type": "point", "filled": True, "size": 45})
    return {
        "height": 380,
        "encoding": encoding,
        "layer": [
            {"data": _data(ideal), "mark": {"type": "line", "strokeDash": [4, 3], "color": "#888"}},
            *({"data": _data(table), "mark": mark, "encoding": models} for mark in marks),
        ],
    }


def _data(table: pd.DataFrame) -> dict:
    return {"values": table.to_dict("records")}


def _number(field: str, title: str, **options) -> dict:
    return {"field": field, "type": "quantitative", "title": title} | options


def _text(field: str, title: str | None) -> dict:
    return {"field": field, "type": "nominal", "title": title}


def _rows(limit: int) -> dict:
    """The table's rows from top to bottom, named on the left in at most `limit` pixels."""
    return _text("name", None) | {"sort": None, "axis": {"labelLimit": limit}}
