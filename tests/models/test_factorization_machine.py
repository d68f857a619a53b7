"""The factorisation machine: its formula, and that it learns an interaction."""

import itertools

import numpy as np

from movierec.data import synthetic
from movierec.models.factorization_machine import FactorizationMachine
from movierec.training.fitting import fit_rows
from movierec.training.settings import Settings
from tests.conftest import random_ids, spread

DIMS = (3, 4, 2)


def test_the_formula_for_one_row_at_a_time():
    model = spread(FactorizationMachine(DIMS, embed_dim=3), 1.0)
    table, bias = model.embedding.table.numpy(), model.bias.numpy()[0]
    ids = random_ids(DIMS, 8)
    for row, probability in zip(ids, model(ids).numpy()[:, 0], strict=True):
        entries = table[row + np.array([0, 3, 7])]
        pairs = itertools.combinations(entries[:, 1:], 2)
        logit = bias + entries[:, 0].sum() + sum(a @ b for a, b in pairs)
        np.testing.assert_allclose(probability, 1 / (1 + np.exp(-logit)), rtol=1e-4)


def test_it_learns_the_planted_interaction():
    settings = Settings(embed_dim=4, learning_rate=0.02, batch_size=256, epochs=8, patience=None)
    train, valid = synthetic.planted(8000), synthetic.planted(2000, seed=1)
    _, history = fit_rows("fm", (11,) * 5, train, valid, settings, seed=0)
    assert history[-1]["valid_auc"] > 0.85
