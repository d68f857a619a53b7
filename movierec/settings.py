"""Everything that decides a training run, apart from data and seed."""

from dataclasses import dataclass

import numpy as np

TITLES = {"autoint": "AutoInt", "autointmlp": "AutoInt+"}
RATINGS = 5
LIKED = 4  # a rating of 4 or more is the label 1


class TrainingError(ValueError):
    """Training that cannot start or go on; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that decides a training run, apart from data and seed.

    Args:
        embed_dim, num_layers, num_heads, head_dim, init_std: of the model.
        mlp_units, dropout, pairwise_pooling: of AutoInt+'s MLP; AutoInt has none and ignores them.
        five_ratings: learn which of the five ratings was given, rather than the label alone; the
            model's answer is still the probability of 4 or more.
        l2_embedding: weight of the penalty on embedding vectors. Every row adds `l2 · ‖e‖² / √n`
            for each of its ids, n being the rows that have the id: all in all an id counts `√n`
            times, as in well-tuned matrix factorisation.
        learning_rate: Adam's.
        batch_size: rows a step.
        epochs: at most so many passes over the training rows.
        patience: stop after so many epochs without a lower validation LogLoss, and go back to
            the best epoch; None runs all epochs and keeps the last.
        averaging: momentum of the running average of the weights, taken after every step, that is
            scored and kept (Polyak & Juditsky 1992); 0 keeps the weights themselves.
        refit: fit on training and validation rows together, once nothing is left to choose; then
            the number of epochs is given and there is no patience.
        unknown_rate: share of ids replaced by the unknown id in training, so that it means
            something at serving time.
        unseen: films drawn at random for every rated one, as rows of a class of their own below
            the ratings: the way to learn which films of a whole catalogue a user will turn to.
    """

    embed_dim: int = 16
    num_layers: int = 3
    num_heads: int = 2
    head_dim: int = 16
    l2_embedding: float = 0.0
    init_std: float | None = None
    mlp_units: tuple[int, ...] = (32, 32)
    dropout: float = 0.4
    pairwise_pooling: bool = False
    five_ratings: bool = False
    learning_rate: float = 1e-3
    batch_size: int = 2048
    epochs: int = 30
    patience: int | None = 3
    averaging: float = 0.0
    refit: bool = False
    unknown_rate: float = 0.0
    unseen: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 1) and (name, value) != ("patience", None):
                raise TrainingError(f"{name} is {value!r}, expected a whole number of 1 or more")
        if not self.learning_rate > 0:
            raise TrainingError(f"learning_rate is {self.learning_rate}, expected more than 0")
        if self.refit and self.patience is not None:
            raise TrainingError(f"patience is {self.patience}, expected None with refit")
        if not self.l2_embedding >= 0:
            raise TrainingError(f"l2_embedding is {self.l2_embedding}, expected 0 or more")
        for name in ("averaging", "unknown_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}, expected 0 up to below 1")

    def build(self, name: str, field_dims: tuple[int, ...]):
        """A new Keras model with fresh weights: a key of `TITLES`, or "fm"."""
        from movierec.fm import FactorizationMachine  # TensorFlow takes seconds to import
        from movierec.models import MODELS

        if name == "fm":
            return FactorizationMachine(field_dims, self.embed_dim)
        arguments = {
            "embed_dim": self.embed_dim,
            "num_layers": self.num_layers,
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
            "init_std": self.init_std,
        }
        if self.five_ratings:
            arguments |= {
                "num_classes": RATINGS + (self.unseen > 0),
                "num_positive": RATINGS + 1 - LIKED,
            }
        if name == "autointmlp":
            arguments |= {
                "mlp_units": self.mlp_units,
                "dropout": self.dropout,
                "pairwise_pooling": self.pairwise_pooling,
            }
        return MODELS[name](field_dims, **arguments)


def targets_of(num_classes: int, ratings: np.ndarray) -> np.ndarray:
    """What a model of so many classes is to say of ratings, shape (rows,).

    That is the label, or the class counted from 0: the classes end with the five ratings; a class
    "unseen" may stand before them.

    Raises:
        TrainingError: ratings other than 1 to 5.
    """
    if len(ratings) and not 1 <= ratings.min() <= ratings.max() <= RATINGS:
        raise TrainingError(
            f"expected ratings of 1 to {RATINGS}. Received: {ratings.min()} to {ratings.max()}"
        )
    if num_classes == 1:
        return (ratings >= LIKED).astype(np.float32)
    return (ratings + (num_classes - RATINGS - 1)).astype(np.int32)
