"""Does "80 %" mean 80 %? Predicted probabilities of the test rows against what people did.

`python -m movierec.reliability --dataset ml-1m` writes `model/reliability.csv`.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd

from movierec import artefacts, datasets, files, preprocess, training
from movierec.models import TITLES, predictor

BINS = 20


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """Rows binned by their probability, in equal steps from 0 to 1.

    Returns:
        One row a bin that is not empty: `predicted` (mean probability), `liked` (share of label
        1), `rows`.

    Example:
        >>> reliability(np.array([0.1, 0.2, 0.9]), np.array([0, 1, 1]), bins=2).to_dict("list")
        {'predicted': [0.15, 0.9], 'liked': [0.5, 1.0], 'rows': [2, 1]}
    """
    place = np.minimum((np.asarray(probabilities, np.float64) * bins).astype(int), bins - 1)
    rows = pd.DataFrame({"predicted": probabilities, "liked": labels, "rows": 1})
    table = rows.groupby(place).agg({"predicted": "mean", "liked": "mean", "rows": "sum"})
    return table.astype({"predicted": float, "liked": float}).round(6).reset_index(drop=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the test rows with every saved model and write reliability.csv."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--dataset", choices=datasets.NAMES, default="ml-1m")
    options = parser.parse_args(arguments)
    try:
        prepared = training.prepare(datasets.load(options.dataset))
        test = prepared.split.test
        rows = preprocess.features(prepared.data).iloc[test]
        where = artefacts.place(options.dataset)
        parts = []
        for name in sorted(where.entries()):
            model, encoder, entry = artefacts.load(where, name)
            artefacts.check_data(entry, prepared.data)
            scores = predictor(model)(encoder.transform(rows))
            parts.append(reliability(scores, prepared.labels[test]).assign(ranker=TITLES[name]))
        path = where.folder / "reliability.csv"
        with files.replacing(path) as (part,):
            pd.concat(parts).to_csv(part, index=False, float_format="%.6f", lineterminator="\n")
    except (datasets.DataError, artefacts.ArtefactError, ValueError, OSError) as error:
        parser.exit(1, f"{error}\n")
    print(pd.read_csv(path).to_string(index=False))


if __name__ == "__main__":
    main()
