"""A made-up data set with one planted interaction, to see whether a model finds it."""

import numpy as np

from movierec.rows import Rows


def planted(
    rows: int, fields: int = 5, values: int = 10, pair: tuple[int, int] = (1, 3), seed: int = 0
) -> Rows:
    """Rows whose label depends on two fields together, and on no field alone.

    Half of the values of each of the two fields are "plus", half "minus". The label is 1 where
    both agree, with one label in ten turned round; all other fields are noise. So no field tells
    anything by itself, and the best possible accuracy is 0.9.

    Args:
        rows: number of rows.
        fields: number of fields.
        values: ids of each field, an even number; id 0 is never drawn (it means unknown).
        pair: the two fields.
        seed: of everything random.

    Returns:
        Ids in 1..values, shape (rows, fields), and labels.
    """
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, values + 1, (rows, fields), dtype=np.int32)
    plus = ids[:, list(pair)] <= values // 2
    labels = (plus[:, 0] == plus[:, 1]) ^ (rng.random(rows) < 0.1)
    return Rows(ids, labels.astype(np.float32))
