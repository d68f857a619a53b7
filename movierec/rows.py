"""Encoded rows: what a model is trained on and scores.

Neither this nor what `movierec.fitting` imports needs pandas, scikit-learn or any data set: whoever
brings encoded rows can train with TensorFlow, NumPy, SciPy and Numba alone.
"""

from dataclasses import dataclass

import numpy as np

UNKNOWN = 0  # the id of every field for a value that is missing, or that no training row had


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Args:
        ids: int32, shape (rows, fields).
        labels: 0 or 1, float32, shape (rows,).
        ratings: 1 to 5, shape (rows,); only a model that learns from them needs them.
        films: ids of the film fields of every film, int32, shape (films, film fields); only
            training that draws unseen films needs them.
        film_columns: which fields these are, where there are films.
    """

    ids: np.ndarray
    labels: np.ndarray
    ratings: np.ndarray | None = None
    films: np.ndarray | None = None
    film_columns: slice | None = None


def check_ids(ids: np.ndarray, field_dims: tuple[int, ...]) -> None:
    """Refuse ids that an embedding table does not hold.

    Raises:
        ValueError: naming the first field and id out of range, or the wrong shape.
    """
    if ids.ndim != 2 or ids.shape[1] != len(field_dims):
        raise ValueError(f"expected ids of shape (rows, {len(field_dims)}). Received: {ids.shape}")
    if not len(ids):
        return
    wrong = (ids.min(axis=0) < 0) | (ids.max(axis=0) >= field_dims)
    if wrong.any():
        field = int(np.argmax(wrong))
        low, high = ids[:, field].min(), ids[:, field].max()
        raise ValueError(
            f"ids of field {field} must be in 0..{field_dims[field] - 1}. Received: {low}..{high}. "
            "Encode the rows with the encoder that belongs to the model"
        )
