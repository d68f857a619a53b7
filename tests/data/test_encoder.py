"""The encoder: cannot be refitted, ignores types of values, id 0 is unknown, safe to load."""

import dataclasses
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import LabelEncoder, StandardScaler

from movierec import files
from movierec.data.dataset import split_by
from movierec.data.encoder import EncoderError, FeatureEncoder, as_text
from movierec.data.encoder_file import load
from movierec.data.rows import UNKNOWN

ROWS = pd.DataFrame(
    {"user_id": [10, 2, 2], "zipcode": ["02460", "48067", "02460"], "genre2": ["War", None, None]}
)


@pytest.fixture
def encoder():
    return FeatureEncoder.fit(ROWS)


def test_ids_are_positions_in_the_sorted_text_after_unknown(encoder):
    assert encoder.field_dims == (3, 3, 2)
    assert encoder.transform(ROWS).tolist() == [[1, 1, 1], [2, 2, 0], [2, 1, 0]]  # "10" < "2"
    assert encoder.transform(ROWS).dtype == np.int32


def test_the_type_of_a_value_does_not_matter(encoder):
    for values in ([2], [2.0], ["2"], [" 2 "], np.array([2], np.int8), pd.array([2], "Int64")):
        assert encoder.transform(pd.DataFrame({"user_id": values}), ["user_id"]).tolist() == [[2]]
    mixed = pd.DataFrame({"user_id": pd.Series([2, "2", 2.0, None, 7], dtype=object)})
    assert encoder.transform(mixed, ["user_id"]).ravel().tolist() == [2, 2, 2, 0, 0]


def test_values_as_text():
    values = [np.nan, pd.NA, pd.NaT, None, 3.0, np.int64(2), 2.5, True, " 02 "]
    assert as_text(values).tolist() == ["", "", "", "", "3", "2", "2.5", "True", "02"]


def test_unknown_and_missing_values_are_0(encoder):
    columns = {"user_id": [3, np.nan], "zipcode": ["2460", ""], "genre2": ["Opera", None]}
    assert encoder.transform(pd.DataFrame(columns)).tolist() == [[0, 0, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "value", [np.inf, -np.inf, pd.Timestamp("2000-01-01"), (1, 2), 1j, True, b"2", 10**30, pd.NaT]
)
def test_odd_values_are_unknown(encoder, value):
    rows = pd.DataFrame({"user_id": pd.Series([value], dtype=object)})
    assert encoder.transform(rows, ["user_id"]).tolist() == [[0]]


@pytest.mark.parametrize("value", [[1], {}, pytest.param(10**5000, id="huge")])
def test_values_that_are_neither_numbers_nor_text_are_refused(encoder, value):
    rows = pd.DataFrame({"user_id": pd.Series([value], dtype=object)})
    with pytest.raises(EncoderError, match="the column user_id has a value that is neither"):
        encoder.transform(rows, ["user_id"])


@pytest.mark.parametrize("rows", [None, ROWS["user_id"], pd.concat([ROWS, ROWS], axis=1)])
def test_anything_but_a_table_of_unique_columns_is_refused(encoder, rows):
    with pytest.raises(EncoderError, match="expected a table with one column each of"):
        encoder.transform(rows)
    with pytest.raises(EncoderError, match="no such feature"):
        encoder.transform(ROWS, ["colour"])
    with pytest.raises(EncoderError, match="the rows lack zipcode, genre2; expected the columns"):
        encoder.transform(ROWS[["user_id"]])


def test_an_encoder_cannot_be_changed(encoder):
    known = encoder.classes["user_id"].tolist()
    assert encoder.fit(ROWS.iloc[:1]) is not encoder
    assert encoder.classes["user_id"].tolist() == known
    with pytest.raises(dataclasses.FrozenInstanceError):
        encoder.classes = {}
    with pytest.raises(TypeError):
        encoder.classes["user_id"] = np.array(["", "1"])
    with pytest.raises(ValueError, match="read-only"):
        encoder.classes["user_id"][1] = "99"


@given(st.lists(st.one_of(st.integers(-(10**6), 10**6), st.text(max_size=5), st.none())))
def test_ids_equal_those_of_sklearn(values):
    values = [v if not isinstance(v, str) else v.replace("\0", "") for v in values]
    rows = pd.DataFrame({"a": pd.Series(values, dtype=object)})
    encoder = FeatureEncoder.fit(rows)
    (sklearn_encoder,) = pickle.loads(encoder.to_bytes()).values()
    expected = sklearn_encoder.transform(as_text(values)) if values else []
    assert encoder.transform(rows).ravel().tolist() == list(expected)


def save(tmp_path, content: bytes):
    path = tmp_path / "label_encoders.pkl"
    path.write_bytes(content)
    return path, files.digest(content)


def test_the_file_is_a_dict_of_label_encoders(tmp_path, encoder):
    encoders = pickle.loads(encoder.to_bytes())
    assert list(encoders) == ["user_id", "zipcode", "genre2"]
    assert encoders["user_id"].transform(["2", ""]).tolist() == [2, 0]
    again = load(*save(tmp_path, encoder.to_bytes()))
    assert again.features == encoder.features
    assert again.transform(ROWS).tolist() == encoder.transform(ROWS).tolist()
    with pytest.raises(ValueError, match="read-only"):
        again.classes["user_id"][1] = "99"


class Hostile:
    """Unpickling this creates a folder, as a hostile pickle could do."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def fitted(values):
    return LabelEncoder().fit(values)


FOREIGN = {
    "a list": [1],
    "empty": {},
    "not an encoder": {"a": "text"},
    "another estimator": {"a": StandardScaler()},
    "not fitted": {"a": LabelEncoder()},
    "integers": {"a": fitted([1, 2])},
    "objects": {"a": fitted(np.array(["", "b"], dtype=object))},
    "no unknown": {"a": fitted(["a", "b"])},
}
REFUSED = {name: pickle.dumps(content, protocol=4) for name, content in FOREIGN.items()}
REFUSED |= {f"cut at {cut}": FeatureEncoder.fit(ROWS).to_bytes()[:cut] for cut in (0, 1, 20, -1)}


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED)
def test_foreign_and_truncated_pickles_are_refused(tmp_path, content):
    with pytest.raises(EncoderError, match="was refused: .*restore it with git, or train again"):
        load(*save(tmp_path, content))


def test_a_hostile_pickle_executes_nothing(tmp_path, encoder):
    target = tmp_path / "made"
    hostile = pickle.dumps({"user_id": fitted(["", "a"]), "b": Hostile(target)}, protocol=4)
    with pytest.raises(EncoderError, match=r"it has \('\w+', 'mkdir'\) in the place of"):
        load(*save(tmp_path, hostile))
    assert not target.exists()


def test_a_missing_or_other_file_is_refused(tmp_path, encoder):
    with pytest.raises(EncoderError, match="is missing: restore it with git"):
        load(tmp_path / "no.pkl", "0")
    path, _ = save(tmp_path, encoder.to_bytes())
    with pytest.raises(EncoderError, match="is not the encoder named in the manifest"):
        load(path, "0" * 64)


def test_only_values_in_training_rows_are_known(ml100k):
    dataset = split_by(ml100k)
    encoder = dataset.fit_encoder(dataset.split.train)
    rows = ml100k.features()
    unseen = ~rows["movie_id"].isin(set(rows["movie_id"].iloc[dataset.split.train]))
    assert unseen.any()
    assert np.array_equal(encoder.transform(rows, ["movie_id"]).ravel() == UNKNOWN, unseen)
