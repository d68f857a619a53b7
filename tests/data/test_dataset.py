"""Split and encoded views of a data set: the ids of every rating, and what is refused."""

import dataclasses

import numpy as np
import pytest

from movierec.data.dataset import DRAWN_PER_ROW, split_by
from movierec.data.encoder import EncoderError, FeatureEncoder
from movierec.data.raw_readers import DataError
from movierec.data.splits import PROTOCOLS


@pytest.fixture(scope="module")
def dataset(made):
    return split_by(made)


@pytest.fixture(scope="module")
def encoded(dataset):
    return dataset.encoded(dataset.fit_encoder(dataset.split.train))


def test_the_encoder_knows_the_values_of_its_rows_only(dataset, encoded):
    """Fitted on unique users and movies, it equals the encoder fitted on the joined rows."""
    rows = dataset.data.features().iloc[dataset.split.train]
    expected = encoded.encoder.fit(rows)
    assert encoded.encoder.features == expected.features == dataset.data.fields.all
    assert encoded.encoder.to_bytes() == expected.to_bytes()


def test_an_encoder_of_other_features_is_refused(dataset):
    rows = dataset.data.features().rename(columns={"gender": "sex"})
    with pytest.raises(EncoderError, match="has the fields user_id, sex, .* but ml-1m has user_id"):
        dataset.encoded(FeatureEncoder.fit(rows))


def test_ids_equal_the_encoded_joined_rows(dataset, encoded):
    expected = encoded.encoder.transform(dataset.data.features())
    assert encoded.ids.dtype == np.int32
    assert np.array_equal(encoded.ids, expected)
    rows = encoded.rows(dataset.split.test)
    assert np.array_equal(rows.ids, expected[dataset.split.test])
    assert np.array_equal(rows.labels, rows.ratings >= 4)
    assert np.array_equal(rows.movies, encoded.movie_ids)


def test_other_movies_replace_only_the_movie_fields(dataset, encoded):
    rows, movies = dataset.split.test[:20], np.arange(20)
    before = encoded.ids.copy()
    ids = encoded.with_movies(rows, movies)
    assert np.array_equal(ids[:, 5:11], encoded.movie_ids[movies])
    assert np.array_equal(ids[:, [*range(5), 11, 12]], before[rows][:, [*range(5), 11, 12]])
    assert np.array_equal(encoded.ids, before)


def test_rated_movies_of_every_user(dataset):
    rated = dataset.data.matrix(dataset.split.train)
    pairs = dataset.data.ratings[["user_id", "movie_id"]].iloc[dataset.split.train]
    assert rated.shape == (40, 60)
    assert rated.sum() == len(pairs)
    assert (rated[pairs["user_id"] - 1, pairs["movie_id"] - 1] == 1).all()


def test_full_ranking_validates_on_random_movies_with_the_label_0(made, dataset, encoded):
    plain = dataset.validation_rows(encoded)
    assert np.array_equal(plain.ids, encoded.ids[dataset.split.valid])
    ranking = split_by(made, "full-ranking")
    ids = ranking.encoded(encoded.encoder)
    rows, valid = ranking.validation_rows(ids), ranking.split.valid
    count = len(valid)
    assert count < len(rows.labels) == len(rows.ids) < count * (1 + DRAWN_PER_ROW)
    assert np.array_equal(rows.ids[:count], ids.ids[valid])
    assert rows.labels[:count].all()
    assert not rows.labels[count:].any()
    rated = {tuple(pair) for pair in ids.ids[ranking.split.known][:, [0, 5]]}
    drawn = {tuple(pair) for pair in rows.ids[count:, [0, 5]]}
    assert drawn
    assert not drawn & rated


def test_an_unknown_protocol_and_too_few_ratings_are_refused(made):
    with pytest.raises(DataError, match="unknown protocol 'new': choose one of test-rows, paper"):
        split_by(made, "new")
    few = dataclasses.replace(made, ratings=made.ratings[:2])
    with pytest.raises(DataError, match="ml-1m has 2 ratings, expected at least 10 to split"):
        split_by(few)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ratings_with_one_label_only_are_refused(made, protocol):
    liked = dataclasses.replace(made, ratings=made.ratings.assign(rating=5))
    with pytest.raises(DataError, match=r"all \d+ training rows have the label 1: ratings below 4"):
        split_by(liked, protocol)


def test_a_protocol_without_validation_rows_is_refused(made):
    """Full ranking needs users with at least three liked movies."""
    first_two = made.ratings.groupby("user_id").cumcount() < 2
    ratings = made.ratings.assign(rating=np.where(first_two, 5, 2))
    with pytest.raises(
        DataError, match="full-ranking finds no validation rows in ml-1m: choose another"
    ):
        split_by(dataclasses.replace(made, ratings=ratings), "full-ranking")


def test_too_few_users_or_ratings_for_a_protocol(made):
    one = made.ratings[made.ratings["user_id"] == 1].reset_index(drop=True)
    with pytest.raises(DataError, match="too few users or ratings for the protocol new-users"):
        split_by(dataclasses.replace(made, ratings=one), "new-users")
    threes = dataclasses.replace(made, ratings=made.ratings.assign(rating=3))
    with pytest.raises(DataError, match="too few users or ratings for the protocol paper"):
        split_by(threes, "paper")
