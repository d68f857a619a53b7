"""Grids: the settings that a search tries, and the effects of single changes."""

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from scipy import stats

from movierec import provenance
from movierec.data.tables import Dataset
from movierec.errors import MovieRecError
from movierec.models import registry
from movierec.training.named_settings import FM, SETTINGS, settings_for, sized
from movierec.training.settings import Settings


class GridError(MovieRecError, ValueError):
    """A grid that cannot be run, or a table of trials that cannot be read."""


@dataclass(frozen=True)
class Grid:
    """The trials of a search.

    Args:
        name: name of the grid and of its table.
        base: the settings that all trials start from.
        axes: field of `Settings` → values to try.
        crossed: whether to try all combinations; otherwise the base and one change at a time.
        seeds: random seeds; every combination is run with each.
        base_seeds: further seeds of the base alone, to measure the noise of a single run.
        test: whether test rows are scored; only for a table that nothing is chosen from.
        model: one of `registry.NAMES`.
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
        """What each combination changes in the base.

        Raises:
            GridError: an unknown parameter or model, or a value that no model can be built with.
        """
        known = registry.NAMES
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
                settings = dataclasses.replace(self.base, **change)
                registry.keras_class(self.model)((2, 2), **settings.model_arguments(self.model))
            except (ValueError, TypeError) as error:
                raise GridError(f"no model can be built with {change}: {error}") from error
        return changes

    def trials(self) -> list[tuple[dict, int]]:
        """Every change with every seed, in the order in which they are run."""
        changes = self.changes()
        if not self.seeds:
            raise GridError("seeds is empty, expected at least one whole number")
        trials = [(change, seed) for seed in self.seeds for change in changes]
        return trials + [({}, seed) for seed in self.base_seeds]


SEEDS = (42, 43, 44, 45, 46)


def _seeds(name: str, model: str = "autointmlp", protocol: str = "test-rows", **axes) -> Grid:
    """The tuned setting and the changes in `axes`, with five seeds each.

    It measures the noise of settings that are already chosen; nothing is chosen from it.
    """
    base = settings_for("tuned", protocol)
    return Grid(name, base, axes, seeds=SEEDS, test=True, model=model, protocol=protocol)


def _own_rows(protocol: str) -> Grid:
    """The tuned setting and single changes of it, scored on a protocol's own validation rows.

    The tuned setting was chosen on validation rows of the original's protocol, some of which are
    test rows of the other protocols. It is searched without interacting layers, which take half of
    the training time.
    """
    tuned = SETTINGS["tuned"]
    base = dataclasses.replace(tuned, num_layers=0, refit=False, patience=2, epochs=20)
    axes = {
        "learning_rate": (1e-3,),
        "embed_dim": (32,),
        "dropout": (0.2,),
        "l2_embedding": (0.028, 0.114),
        "unknown_rate": (0.0,),
    }
    return Grid(protocol, base, axes, crossed=False, protocol=protocol)


GRIDS = {
    "original": Grid(
        "original",
        dataclasses.replace(SETTINGS["original"], epochs=3),
        {"embed_dim": (16, 8), "dropout": (0.2, 0.4), "batch_size": (1024, 2048)},
        test=True,
    ),
    # one part of the tuned setting changed or left out at a time, scored on validation rows
    "wide": Grid(
        "wide",
        dataclasses.replace(SETTINGS["tuned"], refit=False),
        {
            "learning_rate": (1e-3, 4e-3),
            "batch_size": (1024,),
            "embed_dim": (16, 32),
            "num_layers": (0, 1),
            "num_heads": (1,),
            "dropout": (0.2, 0.6),
            "l2_embedding": (0.0, 0.028),
            "ema_momentum": (0.0,),
            "unknown_rate": (0.0,),
            "pairwise_pooling": (False,),
            "five_ratings": (False,),
        },
        crossed=False,
        base_seeds=(43, 44, 45, 46),
    ),
    **{name: _own_rows(name) for name in ("paper", "temporal", "new-users")},
    "seeds": _seeds("seeds", num_layers=(3, 1, 0)),
    "seeds-autoint": _seeds("seeds-autoint", "autoint"),
    "seeds-paper": _seeds("seeds-paper", protocol="paper", num_layers=(3, 0)),
    "seeds-temporal": _seeds("seeds-temporal", protocol="temporal", num_layers=(3, 0)),
    # the best factorisation machine on the same 13 fields
    "fm": Grid(
        "fm",
        dataclasses.replace(FM, embed_dim=16, l2_embedding=0.03, patience=2, epochs=20),
        {"embed_dim": (8, 16, 32), "l2_embedding": (0.03, 0.1, 0.3, 1.0)},
        model="fm",
    ),
    # full ranking: searched without interacting layers, which take half of the training time
    "unseen": Grid(
        "unseen",
        dataclasses.replace(
            SETTINGS["tuned"], unrated_per_row=3, num_layers=0, refit=False, patience=1, epochs=8
        ),
        {
            "five_ratings": (False,),
            "l2_embedding": (0.0,),
            "dropout": (0.1,),
            "unrated_per_row": (8,),
        },
        crossed=False,
        protocol="full-ranking",
    ),
}


def grid_for(name: str, data: Dataset) -> Grid:
    """A grid, a key of `GRIDS`, adapted to a data set."""
    return dataclasses.replace(GRIDS[name], base=sized(GRIDS[name].base, data))


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
    """The effect of each single change on the validation LogLoss, and the noise of a single run.

    The base is run with several seeds. In 19 of 20 cases one more run of it differs from their
    mean by at most `t · s · √(1 + 1/n)`, with s their standard deviation, n their number and t
    Student's quantile for n - 1 degrees of freedom. A change matters if its difference is larger.

    Args:
        grid: a grid that is not crossed, with `base_seeds`.
        table: its trials.

    Returns:
        One row per change (parameter, value, difference, matters), and the noise.

    Raises:
        GridError: fewer than two successful runs of the base, or rows of different origin.
    """
    if different := provenance.differing(table):
        raise GridError(
            f"the trials of {grid.name} cannot be compared: {different}. Run `python -m movierec "
            f"search --grid {grid.name} --stale rerun`"
        )
    axes = list(grid.axes)
    done = table[table["error"].isna()]
    differs = pd.DataFrame({name: done[name] != getattr(grid.base, name) for name in axes})
    base = done.loc[~differs.any(axis=1), "valid_logloss"]
    if len(base) < 2:
        raise GridError(
            f"the base has {len(base)} successful runs, at least two are needed: run `python -m "
            f"movierec search --grid {grid.name}` to its end"
        )
    count = len(base)
    noise = stats.t.ppf(0.975, count - 1) * base.std() * (1 + 1 / count) ** 0.5
    rows = [
        {"parameter": name, "value": row[name], "difference": row["valid_logloss"] - base.mean()}
        for name in axes
        for row in done[differs[name]].to_dict("records")
    ]
    changed = pd.DataFrame(rows, columns=["parameter", "value", "difference"])
    return changed.assign(matters=changed["difference"].abs() > noise), float(noise)
