"""Next-item models: shapes, causality, saving and loading, and training."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from movierec.sequences import gru4rec, prefixes, train
from movierec.sequences.next_item import CausalAttention, NextItem
from movierec.training.settings import TrainingError
from tests.sequences.test_prefixes import encoded

IDS = np.array([[1, 2, 3, 0], [4, 0, 0, 0]], np.int32)
ENCODERS = ["gru", "attention"]
SMALL = train.NextItemSettings(
    dim=16, length=4, batch_size=8, epochs=30, learning_rate=0.01, dropout=0.0, ema_momentum=0.5
)
# Item 1 is followed by 2, 2 by 3, ... and 6 by 1.
RING = encoded(*[[1 + (start + step) % 6 for step in range(5)] for start in range(6)] * 4, items=6)


def test_causal_attention_with_zero_queries_is_the_mean_of_the_past():
    layer = CausalAttention()
    layer.build((None, 3, 2))
    layer.kernel.assign(np.hstack([np.zeros((2, 4)), np.eye(2)]))
    inputs = np.array([[[2.0, 0], [4, 2], [0, 4]]])
    outputs = layer(tf.constant(inputs, tf.float32), tf.constant([[True, True, True]]))
    assert np.allclose(outputs[0], [[2, 0], [3, 1], [2, 2]])


@pytest.mark.parametrize("encoder", ENCODERS)
def test_states_do_not_depend_on_later_items_or_padding(encoder):
    model = NextItem(5, encoder, dim=8, num_layers=2, num_heads=2, length=4)
    before = model(IDS).numpy()
    changed = IDS.copy()
    changed[0, 2] = 5
    assert np.allclose(model(changed)[0, :2], before[0, :2], atol=1e-6)
    assert not np.allclose(model(changed)[0, 2], before[0, 2], atol=1e-3)
    assert np.allclose(model(IDS[:, :3])[0], before[0, :3], atol=1e-6)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_save_and_load(encoder, tmp_path):
    model = NextItem(5, encoder, dim=8, length=4)
    copy = NextItem.from_config(model.get_config())
    model.save_weights(tmp_path / "x.weights.h5")
    copy.load_weights(tmp_path / "x.weights.h5")
    assert np.array_equal(model.scores(model(IDS)), copy.scores(copy(IDS)))


def test_with_a_scale_only_the_direction_of_states_counts():
    model = NextItem(5, dim=8, scale=10.0)
    states = tf.random.normal((3, 8), seed=1)
    assert np.allclose(model.scores(states), model.scores(7 * states), atol=1e-4)
    assert np.abs(model.scores(states)).max() <= 10.001


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"encoder": "rnn"}, "`encoder` must be 'gru' or 'attention'. Received: 'rnn'"),
        ({"items": 0}, "items"),
        ({"dim": 9, "num_heads": 2}, "`num_heads` must divide the dimension 9"),
    ],
)
def test_invalid_arguments_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        NextItem(**{"items": 5, "dim": 8} | arguments)


@pytest.mark.parametrize("encoder", ENCODERS)
def test_next_item_learns_a_ring(encoder, caplog):
    caplog.set_level("INFO", "movierec")
    keras.utils.set_random_seed(0)
    settings = train.NextItemSettings(**vars(SMALL) | {"encoder": encoder})
    models = []
    model = train.fit(RING, settings, on_epoch_end=models.append)
    made = prefixes.make_prefixes(RING, length=4)
    assert (prefixes.ranks(made, train.scorer(model)) == 1).all()
    assert models == [model] * 30
    assert caplog.messages[0].startswith("epoch 1  loss ")


def test_the_same_seed_gives_the_same_model():
    settings = train.NextItemSettings(**vars(SMALL) | {"epochs": 2, "dropout": 0.3})
    first, second = (train.fit(RING, settings, seed=3) for _ in range(2))
    assert np.array_equal(first.embeddings, second.embeddings)


def test_sessions_without_targets_and_a_loss_that_is_not_finite_are_rejected():
    with pytest.raises(TrainingError, match="at least one session with two known items"):
        train.fit(encoded([1], [0, 2]), SMALL)
    settings = train.NextItemSettings(**vars(SMALL) | {"scale": float("nan")})
    with pytest.raises(TrainingError, match="the loss became nan in epoch 1"):
        train.fit(RING, settings)


def test_session_gru_agrees_with_keras():
    model = gru4rec.SessionGRU(items=5, units=3)
    cell = keras.layers.GRUCell(3, reset_after=True, use_bias=False)
    cell.build((None, 6))
    cell.kernel.assign(model.kernel)
    cell.recurrent_kernel.assign(model.recurrent_kernel)
    states = tf.random.normal((4, 3), seed=1)
    ids = np.array([0, 2, 5, 3], np.int32)
    expected, _ = cell(tf.one_hot(ids, 6), [states])
    assert np.allclose(model(ids, states), expected, atol=1e-6)


def test_lanes_contain_every_session_once():
    ids, targets, begins = gru4rec.lanes(encoded([1, 2, 3], [4, 5], [6, 7, 8, 9]), count=2)
    assert ids.T.tolist() == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 0]]
    assert targets.T.tolist() == [[2, 3, 0, 5, 0], [7, 8, 9, 0, 0]]
    assert begins.T.tolist() == [[1, 0, 0, 1, 0], [1, 0, 0, 0, 1]]


def test_gru4rec_learns_a_ring():
    model = gru4rec.fit(RING, units=16, learning_rate=0.02, batch_size=4, epochs=20)
    made = prefixes.make_prefixes(RING, length=4)
    assert (prefixes.ranks(made, gru4rec.scorer(model)) == 1).mean() > 0.95
