"""A synthetic data set with one planted interaction, to check that a model can learn it."""

import numpy as np

from movierec.data.rows import Rows


def planted(
    rows: int, fields: int = 5, values: int = 10, pair: tuple[int, int] = (1, 3), seed: int = 0
) -> Rows:
    """Rows whose label depends on two fields jointly and on no single field.

    Half of the values of each of the two fields are "low", half "high". The label is 1 if both
    are in the same half, with one label in ten flipped; all other fields are noise. No field alone
    is informative, and the best possible accuracy is 0.9.

    Args:
        rows: number of rows.
        fields: number of fields.
        values: ids of each field, an even number; id 0 (unknown) is never drawn.
        pair: the two fields.
        seed: random seed.

    Returns:
        Ids in 1..values, shape (rows, fields), and labels.
    """
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, values + 1, (rows, fields), dtype=np.int32)
    low = ids[:, list(pair)] <= values // 2
    labels = (low[:, 0] == low[:, 1]) ^ (rng.random(rows) < 0.1)
    return Rows(ids, labels.astype(np.float32))
