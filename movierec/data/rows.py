"""Encoded rows: what a model is trained on and scores.

Neither this module nor `movierec.training.loop` needs pandas or the data sets, so a model can be
trained on encoded rows from elsewhere.
"""

from dataclasses import dataclass

import numpy as np

from movierec.data.schema import FIVE_STARS, Scale

UNKNOWN = 0  # the id, in every field, of a missing value and of a value not seen in training


@dataclass(frozen=True)
class Rows:
    """Encoded rows.

    Args:
        ids: int32, shape (rows, fields).
        labels: 0 or 1, float32, shape (rows,).
        ratings: shape (rows,); needed only by a model with one class per rating.
        movies: ids of the movie fields of every movie, int32, shape (movies, movie fields); needed
            only by training that draws unrated movies.
        movie_columns: the positions of the movie fields, if there are movies.
        scale: the scale of the ratings.
    """

    ids: np.ndarray
    labels: np.ndarray
    ratings: np.ndarray | None = None
    movies: np.ndarray | None = None
    movie_columns: slice | None = None
    scale: Scale = FIVE_STARS


def check_ids(ids: np.ndarray, field_dims: tuple[int, ...]) -> None:
    """Refuse ids that are outside the embedding table.

    Raises:
        ValueError: the wrong type or shape, or the first field with an id out of range.
    """
    if not isinstance(ids, np.ndarray) or ids.dtype.kind not in "iu":
        kind = getattr(ids, "dtype", type(ids).__name__)
        raise ValueError(f"expected ids as an array of whole numbers. Received: {kind}")
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
            "Encode the rows with the model's own encoder"
        )


def targets_of(num_classes: int, ratings: np.ndarray, scale: Scale = FIVE_STARS) -> np.ndarray:
    """Training targets of ratings for a model with `num_classes` classes, shape (rows,).

    For one class the target is the label, float32. Otherwise it is the class, int32 from 0: the
    last classes are the ratings of the scale; a class for unrated movies may come before them.

    Raises:
        ValueError: a rating that is not on the scale.
    """
    classes = scale.classes(ratings)
    return (
        scale.labels(ratings) if num_classes == 1 else classes + (num_classes - len(scale.ratings))
    )
