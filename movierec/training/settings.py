"""Everything that determines a training run, except data and seed."""

from dataclasses import dataclass

from movierec.data.schema import FIVE_STARS, Scale
from movierec.errors import MovieRecError

SEED = 42


class TrainingError(MovieRecError, ValueError):
    """Training cannot start or continue; the message says why and what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that determines a training run, except data and seed.

    Args:
        embed_dim, num_layers, num_heads, head_dim, start: arguments of the model.
        mlp_units, dropout, pairwise_pooling: arguments of AutoInt+'s MLP; AutoInt has none.
        five_ratings: train on the five ratings as classes instead of the label alone; the model
            still returns the probability of 4 or more.
        l2_embedding: weight of the penalty on embedding vectors. Every row adds `l2 · ‖e‖² / √n`
            for each of its ids, where n is the number of rows with the id. The total penalty of
            an id is thus `l2 · √n · ‖e‖²`, as in well-tuned matrix factorisation.
        learning_rate: Adam's.
        batch_size: rows per step.
        epochs: maximum number of passes over the training rows.
        patience: stop after this many epochs without a lower validation LogLoss and return to the
            best epoch; None runs all epochs and keeps the last.
        ema_momentum: momentum of the exponential moving average of the weights, updated after every
            step; the average is what is scored and kept (Polyak & Juditsky 1992). 0 keeps the
            weights themselves.
        refit: fit on training and validation rows together, when nothing is left to choose; the
            number of epochs is then given, and there is no patience.
        unknown_rate: share of ids replaced by the unknown id in training, so that its embedding
            is trained.
        unrated_per_row: number of random movies that the user has not rated in the training rows,
            per rated one, as rows of an extra class below the ratings (label 0 without
            `five_ratings`), to learn which movies a user rates at all.
    """

    embed_dim: int = 16
    num_layers: int = 3
    num_heads: int = 2
    head_dim: int = 16
    l2_embedding: float = 0.0
    start: str = "default"
    mlp_units: tuple[int, ...] = (32, 32)
    dropout: float = 0.4
    pairwise_pooling: bool = False
    five_ratings: bool = False
    learning_rate: float = 1e-3
    batch_size: int = 2048
    epochs: int = 30
    patience: int | None = 3
    ema_momentum: float = 0.0
    refit: bool = False
    unknown_rate: float = 0.0
    unrated_per_row: int = 0

    def __post_init__(self):
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not (isinstance(value, int) and value >= 1) and (name, value) != ("patience", None):
                raise TrainingError(f"{name} is {value!r}, expected a whole number of at least 1")
        if not self.learning_rate > 0:
            raise TrainingError(f"learning_rate is {self.learning_rate}, expected more than 0")
        if self.refit and self.patience is not None:
            raise TrainingError(f"patience is {self.patience}, expected None with refit")
        if not self.l2_embedding >= 0:
            raise TrainingError(f"l2_embedding is {self.l2_embedding}, expected at least 0")
        for name in ("ema_momentum", "unknown_rate"):
            if not 0 <= getattr(self, name) < 1:
                raise TrainingError(f"{name} is {getattr(self, name)}, expected 0 up to below 1")

    def model_arguments(self, name: str, scale: Scale = FIVE_STARS) -> dict:
        """The constructor arguments of a model, except `field_dims`.

        Args:
            name: one of `registry.NAMES`.
            scale: of the ratings, for a model with one class per rating.
        """
        if name == "fm":
            return {"embed_dim": self.embed_dim}
        names = ["embed_dim", "num_layers", "num_heads", "head_dim", "start"]
        if name == "autointmlp":
            names += ["mlp_units", "dropout", "pairwise_pooling"]
        arguments = {name: getattr(self, name) for name in names}
        if self.five_ratings:
            arguments["num_classes"] = len(scale.ratings) + (self.unrated_per_row > 0)
            arguments["num_positive"] = scale.positive
        return arguments
