"""The committed tables of results, CSV files in model/."""

from pathlib import Path

import numpy as np
import pandas as pd

from movierec import files
from movierec.data.splits import PROTOCOLS
from movierec.models.artifacts import ArtifactError, model_folder

# What each protocol measures; `future` has the ratings and models of `temporal`.
DESCRIPTIONS = {name: protocol.description for name, protocol in PROTOCOLS.items()}
DESCRIPTIONS["future"] = "lists of ten movies against all that a user liked later"


def path(dataset: str, name: str, root: Path = files.ROOT) -> Path:
    """Path of a committed table of a data set, such as "evaluation"."""
    return model_folder(dataset, root=root).path / f"{name}.csv"


def read(dataset: str, name: str = "evaluation", root: Path = files.ROOT) -> pd.DataFrame:
    """A committed table of a data set.

    Raises:
        ArtifactError: the file is missing or damaged.
    """
    file = path(dataset, name, root)
    if not file.exists():
        command = f"evaluate DATASET={dataset} PROTOCOL=all"
        if file.parent.name == "experiments":
            command = f"search DATASET={dataset} GRID={file.stem}"
        raise ArtifactError(f"{file} is missing: restore it with git, or run `make {command}`")
    return table_of(file)


def table_of(file: Path) -> pd.DataFrame:
    """The table in a CSV file.

    Raises:
        ArtifactError: it cannot be read.
    """
    try:
        files.check_plain(file)
        return pd.read_csv(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not a CSV file"
        raise ArtifactError(
            f"{file} cannot be read: {reason}. Restore it with git, or delete it and run "
            "`make evaluate PROTOCOL=all`"
        ) from error


def write(table: pd.DataFrame, file: Path, float_format: str | None = None) -> None:
    """Write a table as a CSV file; `float_format` is passed to `DataFrame.to_csv`.

    Raises:
        OSError: the file could not be written; an existing one is unchanged.
    """
    with files.replacing(file) as (part,):
        table.to_csv(part, index=False, float_format=float_format, lineterminator="\n")


def merge(
    table: pd.DataFrame, protocol: str, dataset: str, root: Path = files.ROOT
) -> pd.DataFrame:
    """Replace a protocol's rows in evaluation.csv and return the whole table as written.

    Raises:
        ArtifactError: the existing file is not such a table.
        OSError: the file could not be written.
    """
    rounded, file = table.round(6), path(dataset, "evaluation", root)
    with files.locked(file.parent):
        if file.exists():
            old = table_of(file)
            if "protocol" not in old:
                raise ArtifactError(f"{file} has no column protocol: delete it and run this again")
            rounded = pd.concat([old[protocols(old) != protocol], rounded], ignore_index=True)
        order = {name: number for number, name in enumerate(DESCRIPTIONS)}
        rounded = rounded.iloc[np.argsort(protocols(rounded).map(order), kind="stable")]
        rounded = rounded[["protocol", *rounded.columns.drop("protocol")]]
        rounded = rounded.dropna(axis=1, how="all")  # such as those of an older version
        write(rounded, file)
    return pd.read_csv(file)  # the same digits as in the file


def protocols(table: pd.DataFrame) -> pd.Series:
    """The protocol of each row, without the number of known ratings of `new-users`."""
    return table["protocol"].str.partition(",")[0]
