"""Tables of results: statistics over seeds, and the pages generated from the CSV files."""

import pandas as pd
import pytest

from movierec.evaluation import results, tables
from movierec.models.artifacts import ArtifactError


def trials(model, layers, values, seeds=(1, 2, 3)):
    return pd.DataFrame(
        {"model": model, "num_layers": layers, "seed": seeds, "auc": values, "error": None}
    )


def test_over_seeds_by_hand():
    three, none = trials("a", 3, [0.5, 0.6, 0.7]), trials("a", 0, [0.51, 0.62, 0.73])[::-1]
    variants = [("a", 3), ("a", 1), ("a", 0)]
    table = tables.over_seeds(pd.concat([none, three]), variants, ["auc"], "auc")
    assert table["num_layers"].tolist() == [3, 0]
    assert table["auc"].tolist() == pytest.approx([0.6, 0.62])
    assert table["auc_std"].tolist() == pytest.approx([0.1, 0.11])
    assert table["lead"].isna().tolist() == [True, False]
    # differences .01, .02, .03: mean .02, standard deviation .01, t(2) = 4.3027
    half = 4.3027 * 0.01 / 3**0.5
    assert table.loc[1, ["lead", "lead_low", "lead_high"]].tolist() == pytest.approx(
        [0.02, 0.02 - half, 0.02 + half], rel=1e-4
    )
    other = pd.concat([three, trials("a", 0, [1, 2, 3], (1, 2, 4))])
    with pytest.raises(ArtifactError, match=r"the seeds \[1, 2, 4\], expected \[1, 2, 3\]"):
        tables.over_seeds(other, variants, ["auc"], "auc")
    mixed = pd.concat([three.assign(code="x"), trials("a", 0, [0, 0, 0]).assign(code="y")])
    with pytest.raises(ArtifactError, match="cannot be paired .code: x and y.: run the"):
        tables.over_seeds(mixed, variants, ["auc"], "auc")
    with pytest.raises(ArtifactError, match="no successful trials of"):
        tables.over_seeds(three.assign(error="x"), variants, ["auc"], "auc")


def test_a_missing_table_gives_the_command(tmp_path):
    with pytest.raises(ArtifactError, match="evaluation.csv is missing: restore it with git, or"):
        results.read("ml-1m", root=tmp_path)
    with pytest.raises(ArtifactError, match="run `make search DATASET=ml-1m GRID=seeds`"):
        results.read("ml-1m", "experiments/seeds", tmp_path)


def test_a_figure_with_a_misspelt_column():
    with pytest.raises(ArtifactError, match="'protocl', a column that evaluation lacks"):
        tables.figure("evaluation; protocl=paper; auc", 4)
