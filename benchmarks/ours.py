"""This project's AutoInt+ for `benchmarks.speed`."""

import itertools
from collections.abc import Callable

import keras
import numpy as np

from autointmlp import AutoIntMLP
from benchmarks.driver import BATCH, FIELD_DIMS, one_user, random_rows, serve, sizes
from movierec.data.rows import Rows
from movierec.data.schema import FIVE_STARS
from movierec.models.scorer import predictor
from movierec.training.loop import one_epoch, step_function
from movierec.training.settings import Settings


def trainer(model: AutoIntMLP, ids: np.ndarray, labels: np.ndarray) -> Callable[[int, int], float]:
    """A function of (rows, epoch) that trains the model once on the first `rows` rows."""
    settings = Settings(batch_size=BATCH)
    optimizer = keras.optimizers.Adam(settings.learning_rate)
    optimizer.build(model.trainable_variables)
    noise = keras.random.SeedGenerator(0)
    train_batches = step_function(model, optimizer, Rows(ids, labels), settings, noise)
    return lambda rows, epoch: one_epoch(train_batches, rows, settings, 0, epoch)


def main() -> None:
    """Run the actions that `benchmarks.speed` requests."""
    options = sizes()
    ids, ratings = random_rows(options.rows)
    candidates = one_user(options.movies)
    model = AutoIntMLP(FIELD_DIMS)
    train = trainer(model, ids, FIVE_STARS.labels(ratings))
    epochs = itertools.count(1)
    predict = predictor(model)
    serve(
        {
            "train": lambda: train(options.rows, next(epochs)),
            "score": lambda: predict(ids),
            "one": lambda: predict(candidates),
        }
    )


if __name__ == "__main__":
    main()
