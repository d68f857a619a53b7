"""The next-item models: shapes, causality, save and load, and that they learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from movierec import gru4rec, nextfitting, prefixes
from movierec.nextfitting import NextSettings
from movierec.nextitem import CausalAttention, NextItem
from movierec.settings import TrainingError
from tests.test_prefixes import encoded

IDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0]], np.int32)
ENCODERS = ["gru", "attention"]
SMALL = NextSettings(
    dim=16, length=4, batch_size=8, epochs=30, learning_rate=0.01, dropout=0.0, averaging=0.5
)
RING = encoded(*[[1 + (start + step) % 6 for step in range(5)] for start in range(6)] * 4, items=6)


def test_causal_attention_is_a_mean_of_the_past_where_queries_are_zero():
    layer = CausalAttention()
    layer.build((None, 3, 2))
    layer.kernel.assign(np.hstack([np.zeros((2, 4)), np.eye(2)]))
    inputs = np.array([[[2.0, 0], [4, 2], [0, 4]]])
    found = layer(tf.constant(inputs, tf.float32), tf.constant([[True, True, True]]))
    assert np.allclose(found[0], [[2, 0], [3, 1], [2, 2]])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_state_depends_on_nothing_later(encoder):
    model = NextItem(5, encoder, dim=8, num_layers=2, num_heads=2, length=4)
    before = model(IDS).numpy()
    later = IDS.copy()
    later[0, 2] = 5
    assert np.allclose(model(later)[0, :2], before[0, :2], atol=1e-6)
    assert not np.allclose(model(later)[0, 2], before[0, 2], atol=1e-3)
    assert np.allclose(model(IDS[:, :3])[0], before[0, :3], atol=1e-6)  # nor on the padding


@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_is_saved_and_loaded(encoder, tmp_path):
    model = NextItem(5, encoder, dim=8, length=4)
    again = NextItem.from_config(model.get_config())
    model.save_weights(tmp_path / "x.weights.h5")
    again.load_weights(tmp_path / "x.weights.h5")
    assert np.array_equal(model.scores(model(IDS)), again.scores(again(IDS)))


def test_with_a_scale_only_directions_count():
    model = NextItem(5, dim=8, scale=10.0)
    states = tf.random.normal((3, 8), seed=1)
    assert np.allclose(model.scores(states), model.scores(7 * states), atol=1e-4)
    assert np.abs(model.scores(states)).max() <= 10.001


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"encoder": "rnn"}, "`encoder` must be 'gru' or 'attention'. Received: 'rnn'"),
        ({"items": 0}, "items"),
        ({"dim": 9, "num_heads": 2}, "`num_heads` must divide the dimension 9"),
    ],
)
def test_a_wrong_argument_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        NextItem(**{"items": 5, "dim": 8} | wrong)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_it_learns_a_ring(encoder, capsys):
    keras.utils.set_random_seed(0)
    settings = SMALL if encoder == "gru" else NextSettings(**vars(SMALL) | {"encoder": encoder})
    heard = []
    model = nextfitting.fit(RING, settings, after=lambda epoch, _: heard.append(epoch))
    asked = prefixes.prefixes(RING, length=4)
    assert (prefixes.ranks(asked, nextfitting.scorer(model)) == 1).all()
    assert heard == list(range(1, 31))
    assert capsys.readouterr().out.startswith("epoch 1  loss ")


def test_the_same_seed_gives_the_same_model(capsys):
    settings = NextSettings(**vars(SMALL) | {"epochs": 2, "dropout": 0.3})
    first, again = (nextfitting.fit(RING, settings, seed=3) for _ in range(2))
    assert np.array_equal(first.table, again.table)


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(TrainingError, match="sessions of two known items"):
        nextfitting.fit(encoded([1], [0, 2]), SMALL)


def test_a_loss_that_is_no_number_ends_training(capsys):
    settings = NextSettings(**vars(SMALL) | {"scale": float("nan")})
    with pytest.raises(TrainingError, match="the loss became nan in epoch 1"):
        nextfitting.fit(RING, settings)


def test_the_originals_cell_is_keras_gru():
    model = gru4rec.SessionGRU(items=5, units=3)
    cell = keras.layers.GRUCell(3, reset_after=True, use_bias=False)
    cell.build((None, 6))
    cell.kernel.assign(model.table)
    cell.recurrent_kernel.assign(model.recurrent)
    states = tf.random.normal((4, 3), seed=1)
    ids = np.array([0, 2, 5, 3], np.int32)
    theirs, _ = cell(tf.one_hot(ids, 6), [states])
    assert np.allclose(model(ids, states), theirs, atol=1e-6)


def test_lanes_hold_every_session_once():
    ids, targets, begins = gru4rec.lanes(encoded([1, 2, 3], [4, 5], [6, 7, 8, 9]), count=2)
    assert ids.T.tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 0]]
    assert targets.T.tolist() == [[2, 3, 0, 5, 0], [7, 8, 9, 0, 0]]
    assert begins.T.tolist() == [[1, 0, 0, 1, 0], [1, 0, 0, 0, 1]]


def test_the_original_learns_a_ring():
    model = gru4rec.fit(RING, units=16, learning_rate=0.02, batch_size=4, epochs=20)
    asked = prefixes.prefixes(RING, length=4)
    assert (prefixes.ranks(asked, gru4rec.scorer(model)) == 1).mean() > 0.95
    again = gru4rec.SessionGRU.from_config(model.get_config())
    assert again.units == 16
