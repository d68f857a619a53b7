"""Does "80 %" mean 80 %? Predicted probabilities of the test rows against what people did.

`python -m movierec.reliability --dataset ml-1m` writes `model/reliability.csv`, which the page
draws.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from movierec import artefacts, calibration, contenders, datasets, files
from movierec.prepared import Prepared, prepare


def table(ready: Prepared, root: Path = artefacts.ROOT) -> pd.DataFrame:
    """`calibration.reliability` of every saved model on the test rows, with a column `ranker`."""
    labels = ready.labels[ready.split.test]
    return pd.concat(
        calibration.reliability(labels, said.scores).assign(ranker=said.name)
        for said in contenders.saved_models(ready, root)
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the test rows with every saved model and write reliability.csv."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    options = parser.parse_args(arguments)
    try:
        rows = table(prepare(datasets.load(options.dataset)))
        path = artefacts.place(options.dataset).folder / "reliability.csv"
        with files.replacing(path) as (part,):
            rows.to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
    except (datasets.DataError, artefacts.ArtefactError, ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(pd.read_csv(path).to_string(index=False))


if __name__ == "__main__":
    main()
