"""The attention chart contains its data; the tests of the page draw every chart."""

import numpy as np

from movierec.web import charts, texts


def test_attention():
    words, weights = texts.LANGUAGES["en"], np.full((2, 2), 0.5)
    specification = charts.attention(weights, ["x: 1", "y: 2"], words)
    cells = specification["data"]["values"]
    assert [cell["weight"] for cell in cells] == [0.5] * 4
    assert [cell["query"] for cell in cells] == ["x: 1", "x: 1", "y: 2", "y: 2"]
