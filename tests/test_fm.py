"""The factorisation machine: the formula, and that it learns an interaction."""

import itertools

import keras
import numpy as np

from movierec import toy
from movierec.fitting import fit
from movierec.fm import FactorizationMachine
from movierec.settings import Settings

DIMS = (3, 4, 2)


def test_the_formula_one_row_at_a_time():
    model = FactorizationMachine(DIMS, embed_dim=3)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    table, bias = model.embedding.table.numpy(), model.bias.numpy()[0]
    ids = np.stack([rng.integers(0, size, 8) for size in DIMS], axis=1).astype(np.int32)
    for row, probability in zip(ids, model(ids).numpy()[:, 0], strict=True):
        read = table[row + np.array([0, 3, 7])]
        pairs = itertools.combinations(read[:, 1:], 2)
        logit = bias + read[:, 0].sum() + sum(one @ other for one, other in pairs)
        np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logit)), rtol=1e-4)


def test_it_finds_the_planted_interaction():
    keras.utils.set_random_seed(0)
    settings = Settings(embed_dim=4, learning_rate=0.02, batch_size=256, epochs=8, patience=None)
    model = settings.build("fm", (11,) * 5)
    history = fit(model, toy.planted(8000), toy.planted(2000, seed=1), settings)
    assert history[-1]["valid_auc"] > 0.85
