"""Grids: which settings a search tries, and what its table says about them."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from movierec import training
from movierec.settings import TITLES, Settings


class GridError(ValueError):
    """A grid that cannot be run, or a table that cannot be read; nothing was tried."""


@dataclass(frozen=True)
class Grid:
    """Trials to run.

    Args:
        name: of its table.
        base: the settings that all trials share.
        axes: values to try of fields of `Settings`.
        crossed: whether all combinations are tried; else the base, and one change at a time.
        seeds: every combination is run with each.
        base_seeds: further seeds of the base alone, which show the noise of a single run.
        test: whether test rows are scored. Only for a table that nothing is chosen by.
        model: what to build, see `Settings.build`.
        protocol: a key of `splits.PROTOCOLS`.
    """

    name: str
    base: Settings
    axes: Mapping[str, Sequence]
    crossed: bool = True
    seeds: Sequence[int] = (42,)
    base_seeds: Sequence[int] = ()
    test: bool = False
    model: str = "autointmlp"
    protocol: str = "test-rows"

    def changes(self) -> list[dict]:
        """What each combination sets otherwise than the base.

        Raises:
            GridError: an unknown parameter or model, or a value that no model can be built with.
        """
        known = [*TITLES, "fm"]
        if self.model not in known:
            raise GridError(f"unknown model {self.model!r}: choose one of {', '.join(known)}")
        known = [field.name for field in dataclasses.fields(Settings)]
        for name, values in self.axes.items():
            if name not in known:
                raise GridError(f"unknown parameter {name!r}: choose some of {', '.join(known)}")
            if isinstance(values, str) or not isinstance(values, Sequence) or not len(values):
                raise GridError(f"{name} is {values!r}, expected a list of values to try")
        if self.crossed:
            combinations = itertools.product(*self.axes.values())
            changes = [dict(zip(self.axes, values, strict=True)) for values in combinations]
        else:
            changes = [{}]
            for name, values in self.axes.items():
                changes += [{name: value} for value in values]
        for change in changes:
            try:
                dataclasses.replace(self.base, **change).build(self.model, (2, 2))
            except (ValueError, TypeError) as error:
                raise GridError(f"no model can be built with {change}: {error}") from error
        return changes

    def trials(self) -> list[tuple[dict, int]]:
        """Every change with every seed, in the order in which they run."""
        changes = self.changes()
        if not self.seeds:
            raise GridError("seeds is empty, expected one whole number at least")
        trials = [(change, seed) for seed in self.seeds for change in changes]
        return trials + [({}, seed) for seed in self.base_seeds]


SEEDS = (42, 43, 44, 45, 46)


def _seeds(name: str, model: str = "autointmlp", protocol: str = "test-rows", **axes) -> Grid:
    """The tuned setting, and what `axes` change in it, five times: how far chance moves a result.

    The settings are those that stand: nothing is chosen by this.
    """
    base = training.settings_for("tuned", "ml-1m", protocol)
    return Grid(name, base, axes, seeds=SEEDS, test=True, model=model, protocol=protocol)


GRIDS = {
    "original": Grid(
        "original",
        dataclasses.replace(training.SETTINGS["original"], epochs=3),
        {"embed_dim": (16, 8), "dropout": (0.2, 0.4), "batch_size": (1024, 2048)},
        test=True,
    ),
    # one ingredient of the tuned setting changed or left out at a time, watched on validation rows
    "wide": Grid(
        "wide",
        dataclasses.replace(training.SETTINGS["tuned"], refit=False),
        {
            "learning_rate": (1e-3, 4e-3),
            "batch_size": (1024,),
            "embed_dim": (16, 32),
            "num_layers": (0, 1),
            "num_heads": (1,),
            "dropout": (0.2, 0.6),
            "l2_embedding": (0.0, 0.028),
            "averaging": (0.0,),
            "unknown_rate": (0.0,),
            "pairwise_pooling": (False,),
            "five_ratings": (False,),
        },
        crossed=False,
        base_seeds=(43, 44, 45, 46),
    ),
    # how many epochs, how often an id is made unknown, how strong the penalty, where the future is
    # predicted and most users are new
    "temporal": Grid(
        "temporal",
        dataclasses.replace(training.SETTINGS["tuned"], refit=False, patience=2, epochs=12),
        {
            "unknown_rate": (0.0,),
            "l2_embedding": (0.114, 0.228),
        },
        crossed=False,
        protocol="temporal",
    ),
    "seeds": _seeds("seeds", num_layers=(3, 1, 0)),
    "seeds-autoint": _seeds("seeds-autoint", "autoint"),
    "seeds-paper": _seeds("seeds-paper", protocol="paper"),
    "seeds-temporal": _seeds("seeds-temporal", protocol="temporal"),
    # how well a factorisation machine can be trained on the same 13 fields
    "fm": Grid(
        "fm",
        Settings(learning_rate=2e-3, averaging=0.998, l2_embedding=0.03, patience=2, epochs=20),
        {"embed_dim": (8, 16, 32), "l2_embedding": (0.03, 0.1, 0.3, 1.0)},
        model="fm",
    ),
    # what people will watch: searched without interacting layers, which take half of the time
    "unseen": Grid(
        "unseen",
        dataclasses.replace(
            training.SETTINGS["tuned"], unseen=3, num_layers=0, refit=False, patience=1, epochs=8
        ),
        {
            "five_ratings": (False,),
            "l2_embedding": (0.0,),
            "dropout": (0.1,),
            "unseen": (8,),
        },
        crossed=False,
        protocol="full-ranking",
    ),
}


# What the course project published for its eight combinations: NDCG@10 and HitRate@10.
PUBLISHED = pd.DataFrame(
    [
        (16, 0.2, 1024, 0.6619, 0.6301),
        (16, 0.4, 1024, 0.6617, 0.6301),
        (16, 0.2, 2048, 0.6615, 0.6298),
        (16, 0.4, 2048, 0.6609, 0.6294),
        (8, 0.2, 1024, 0.6602, 0.6279),
        (8, 0.4, 1024, 0.6598, 0.6277),
        (8, 0.2, 2048, 0.6592, 0.6276),
        (8, 0.4, 2048, 0.6589, 0.6282),
    ],
    columns=["embed_dim", "dropout", "batch_size", "published_ndcg", "published_hitrate"],
)


def effects(grid: Grid, table: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """What changing one parameter did to the validation LogLoss, and how much is noise.

    The base is run with several seeds. A single run with nothing changed differs from their mean
    by `t · s · √(1 + 1/n)` in 19 of 20 cases, with s their standard deviation, n their number and
    t Student's quantile for n - 1: a change matters when its difference is larger.

    Args:
        grid: a grid that is not crossed, with `base_seeds`.
        table: its rows.

    Returns:
        One row a change (parameter, value, difference, matters), and the noise.

    Raises:
        GridError: fewer than two successful runs of the base.
    """
    axes = list(grid.axes)
    done = table[table["error"].isna()]
    differs = pd.DataFrame({name: done[name] != getattr(grid.base, name) for name in axes})
    base = done.loc[~differs.any(axis=1), "valid_logloss"]
    if len(base) < 2:
        raise GridError(f"the base has {len(base)} successful runs, two are needed to know noise")
    count = len(base)
    noise = stats.t.ppf(0.975, count - 1) * base.std() * (1 + 1 / count) ** 0.5
    rows = [
        {"parameter": name, "value": row[name], "difference": row["valid_logloss"] - base.mean()}
        for name in axes
        for row in done[differs[name]].to_dict("records")
    ]
    changed = pd.DataFrame(rows, columns=["parameter", "value", "difference"])
    return changed.assign(matters=changed["difference"].abs() > noise), float(noise)


def over_seeds(
    rows: pd.DataFrame, variants: Sequence[tuple[str, int]], metrics: Sequence[str], main: str
) -> pd.DataFrame:
    """What several seeds say of each variant of a setting, the first one being the reference.

    The difference from the reference is paired: the same seeds. Its 95 % interval is
    `mean ± t · s / √n`, Student's t for n - 1, of n seeds' differences with standard deviation s.

    Args:
        rows: of grids that were run with the same seeds.
        variants: model and num_layers of each; those without successful rows are left out.
        metrics: columns to describe.
        main: the column whose difference is asked for.

    Returns:
        One row a variant: model, num_layers, seeds, mean and standard deviation (`_std`) of every
        metric, and `lead`, `lead_low` and `lead_high`, NaN for the reference.

    Raises:
        GridError: no successful rows of the reference, or a variant with other seeds.
    """
    done = rows[rows["error"].isna()].set_index("seed").sort_index()
    found, reference = [], None
    for model, layers in variants:
        mine = done[(done["model"] == model) & (done["num_layers"] == layers)]
        if reference is None:
            reference = mine[main]
            if reference.empty:
                raise GridError(f"the table holds no successful trials of {variants[0]}")
        if mine.empty:
            continue
        if not mine.index.equals(reference.index):
            raise GridError(
                f"{model} with num_layers {layers} was run with the seeds {list(mine.index)}, "
                f"expected {list(reference.index)}"
            )
        row = {"model": model, "num_layers": layers, "seeds": len(mine)}
        row |= {name: mine[name].mean() for name in metrics}
        row |= {f"{name}_std": mine[name].std() for name in metrics}
        if found:
            less = mine[main] - reference
            half = stats.t.ppf(0.975, len(less) - 1) * less.std() / len(less) ** 0.5
            lead = less.mean()
            row |= {"lead": lead, "lead_low": lead - half, "lead_high": lead + half}
        found.append(row)
    return pd.DataFrame(found)
