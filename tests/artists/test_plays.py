"""Play counts: readers, a new listener, and the split."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from movierec.artists import plays
from movierec.data.download import NotFoundError
from movierec.data.raw_readers import DataError

HEADERS = {
    "artists.dat": "id\tname\turl\tpictureURL\n",
    "user_artists.dat": "userID\tartistID\tweight\n",
}


def write_hetrec(folder, artist_lines=None, play_lines=None):
    """Write HetRec's two files into `folder`."""
    folder.mkdir(exist_ok=True)
    if artist_lines is None:
        artist_lines = '7\t"Quoted\tu\tp\n9\tSigur Rós\tu\t\n'
    if play_lines is None:
        play_lines = "2\t9\t5\n2\t7\t1\n4\t9\t300\n"
    (folder / "artists.dat").write_text(HEADERS["artists.dat"] + artist_lines, "utf-8")
    (folder / "user_artists.dat").write_text(HEADERS["user_artists.dat"] + play_lines)
    return folder


def write_taste(folder, users=60, artists=40):
    """Write plays of two groups of users, each of which plays its own half of the artists."""
    rng = np.random.default_rng(3)
    artist_lines = "".join(f"{a}\tArtist {a}\tu\tp\n" for a in range(1, artists + 1))
    play_lines = ""
    for user in range(1, users + 1):
        group = np.arange(user % 2, artists, 2)
        play_lines += "".join(
            f"{user}\t{a + 1}\t{rng.integers(1, 500)}\n"
            for a in rng.choice(group, 12, replace=False)
        )
    return write_hetrec(folder, artist_lines, play_lines)


def test_read_hetrec(tmp_path):
    made = plays.load(write_hetrec(tmp_path))
    assert made.artists.tolist() == ['"Quoted', "Sigur Rós"]
    assert made.users.tolist() == [2, 4]
    assert made.counts.toarray().tolist() == [[1, 5], [0, 300]]
    assert made.counts.dtype == np.float32


@pytest.mark.parametrize(
    ("play_lines", "message"),
    [
        ("", r"is empty: unpack https://files.grouplens.org/.* there again"),
        ("2\t9\n", "line 2: 2 field"),
        ("2\t9\tx\n", "weight is 'x', expected a whole number"),
        ("2\t9\t0\n", "line 2: plays below 1"),
        ("2\t9\t4\n2\t8\t4\n", "line 3: an artist that artists.dat does not list"),
        ("2\t9\t4\n2\t9\t4\n", "line 3: a second line for the same user and artist"),
    ],
)
def test_bad_plays_are_rejected(tmp_path, play_lines, message):
    with pytest.raises(DataError, match=message):
        plays.load(write_hetrec(tmp_path, play_lines=play_lines))


def test_a_repeated_artist_is_rejected(tmp_path):
    artist_lines = "7\tAir\tu\tp\n9\tBlur\tu\tp\n7\tAir\tu\tp\n"
    with pytest.raises(DataError, match="line 4: artist 7 is listed a second time"):
        plays.load(write_hetrec(tmp_path, artist_lines))


def test_a_folder_without_files(tmp_path):
    with pytest.raises(NotFoundError, match=r"unpack https://files.grouplens.org/.*hetrec"):
        plays.load(tmp_path)


@pytest.mark.parametrize("size", [1, 20, 1 << 20])
def test_360k_does_not_depend_on_the_size_of_blocks(tmp_path, monkeypatch, size):
    text = 'a\t\t311\t10\r\na\t\tNA\t2\r\n\r\nb\tm\t"Björk\t3\r\nb\tm2\t"Björk\t4'
    (tmp_path / plays.LASTFM_360K).write_bytes(text.encode())
    monkeypatch.setattr(plays, "BLOCK_BYTES", size)
    made = plays.load(tmp_path)
    assert made.users.tolist() == ["a", "b"]
    assert made.artists.tolist() == ['"Björk', "311", "NA"]
    assert made.counts.toarray().tolist() == [[0, 10, 2], [7, 0, 0]]
    assert made.notes == ()


INVALID = ["b", "b\tm", "b\tm\tAir", "b\tm\tAir\t1\t", "b\tm\tAir\t1\t2\t3", "b\tm\t\t4"]
INVALID += [f"b\tm\tAir\t{count}" for count in ("0", "-1", "1.5", "many", "")] + ["b\tm\tA\nir\t4"]


@pytest.mark.parametrize("line", INVALID)
@pytest.mark.parametrize("first", [True, False])
def test_360k_drops_the_user_of_an_invalid_line_wherever_it_is(tmp_path, line, first):
    valid = "b\tm\tBlur\t7\na\tm\tBlur\t3\n"
    text = f"{line}\n{valid}" if first else f"{valid}{line}\n"
    (tmp_path / plays.LASTFM_360K).write_text(text)
    made = plays.load(tmp_path)
    assert made.users.tolist() == ["a"]
    assert made.counts.toarray().tolist() == [[3]]
    (note,) = made.notes
    assert re.fullmatch(r"removed (1 users with 1|2 users with 2) invalid lines", note)


@pytest.mark.parametrize("text", ["", "a\tb\n"])
def test_a_360k_file_without_a_valid_user_is_rejected(tmp_path, text):
    (tmp_path / plays.LASTFM_360K).write_text(text)
    with pytest.raises(DataError, match="no user whose lines are all valid"):
        plays.load(tmp_path)


def test_a_new_listener_is_the_last_row(tmp_path):
    made = plays.load(write_hetrec(tmp_path))
    more = made.with_listener({"Sigur Rós": 7})
    assert more.counts.toarray().tolist() == [[1, 5], [0, 300], [0, 7]]
    assert more.users[-1] == "you"
    assert made.counts.shape == (2, 2)
    with pytest.raises(DataError, match="no artist is called 'Sigur Ros': did you mean Sigur Rós"):
        made.with_listener({"Sigur Ros": 7})
    with pytest.raises(DataError, match="expected artists with 1 play or more"):
        made.with_listener({"Sigur Rós": 0})


@given(st.integers(0, 5), st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_holdout_splits_each_users_artists(seed, sizes):
    rows = np.repeat(np.arange(len(sizes)), sizes)
    columns = np.concatenate([np.arange(size) for size in sizes])
    counts = sparse.csr_array((columns + 1.0, (rows, columns)), shape=(len(sizes), 30))
    parts = plays.holdout(counts, seed)
    whole = parts.train + parts.valid + parts.test
    assert (whole != counts).nnz == 0
    assert np.diff(parts.test.indptr).tolist() == [size // 5 for size in sizes]
    assert np.diff(parts.valid.indptr).tolist() == [size // 10 for size in sizes]
    assert parts.known.nnz == parts.train.nnz + parts.valid.nnz
