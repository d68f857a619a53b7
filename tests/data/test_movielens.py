"""Reading raw files: the tables, what is repaired, and a clear error for every bad input."""

import gzip
import os
import shutil
import sys

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from movierec.data import movielens, raw_readers
from movierec.data.raw_readers import DataError
from tests.conftest import MOVIES, RATINGS, USERS, write_ml1m


def test_the_three_tables(raw):
    data = movielens.load("ml-1m", raw)
    assert data.users.to_dict("list") == {
        "user_id": [1, 2, 3],
        "gender": ["F", "M", "M"],
        "age": [1, 56, 25],
        "occupation": [10, 16, 15],
        "zipcode": ["48067", "70072", "02460"],
    }
    assert data.movies["title"].tolist()[2:] == ["Cérémonie, La (1995)", "Untitled"]
    assert data.ratings["rating"].tolist() == [5, 3, 4, 1, 2, 5]
    assert data.ratings.dtypes.astype(str).tolist() == ["int32", "int32", "int32", "int64"]


def changed(lines, number, line):
    return [*lines[:number], line, *lines[number + 1 :]]


BAD_RATINGS = {
    "no separator": ("1,2,3,978302109", "line 2: 1 field(s) in '1,2,3,978302109', expected 4"),
    "cut short": ("1::2::3", "line 2: 3 field(s)"),
    "a field too many": ("1::2::3::978302109::7", "line 2: 5 field(s)"),
    "blank line": ("", "line 2: 1 field(s)"),
    "true": ("True::2::3::978302109", "line 2: user_id is 'True'"),
    "power": ("1e0::2::3::978302109", "line 2: user_id is '1e0'"),
    "two signs": ("--1::2::3::978302109", "line 2: user_id is '--1'"),
    "other digits": ("１::2::3::978302109", "line 2: user_id is"),
    "a tab": ("1::2::3::978302109\t4", "line 2: timestamp is '978302109\\t4'"),
    "very long": (f"1::2::3::{'9' * 5000}", "which is too large"),
    "text id": ("one::2::3::978302109", "line 2: user_id is 'one', expected a whole number"),
    "fractional id": ("1.5::2::3::978302109", "line 2: user_id is '1.5'"),
    "empty field": ("1::::3::978302109", "line 2: movie_id is '', expected a whole number"),
    "huge id": ("99999999999999999999::2::3::978302109", "line 2: user_id is '9999"),
    "id past int32": ("4294967297::2::3::978302109", "line 2: user_id is '4294967297'"),
    "zero id": ("0::2::3::978302109", "line 2: user_id is '0', expected a whole number from 1"),
    "zero": ("1::2::0::978302109", "line 2: rating is '0', expected one of [1, 2, 3, 4, 5]"),
    "rating 6": ("1::2::6::978302109", "line 2: rating is '6'"),
    "half rating": ("1::2::3.5::978302109", "line 2: rating is '3.5'"),
    "negative time": ("1::2::3::-978302109", "line 2: timestamp is '-978302109'"),
    "time cut short": ("1::2::3::9783021", "line 2: timestamp is '9783021'"),
    "unlisted movie": ("1::99::3::978302109", "line 2: movie_id is 99, which movies.dat does not"),
    "unlisted user": ("99::2::3::978302109", "line 2: user_id is 99, which users.dat does not"),
    "contradiction": ("1::1::3::978302109", "lines 1 and 2 both describe user_id 1, movie_id 1"),
}


BAD_USERS = {
    "gender": ("2::X::56::16::70072", "users.dat, line 2: gender is 'X'"),
    "age": ("2::M::55::16::70072", "line 2: age is '55', expected one of [1, 18"),
    "occupation": ("2::M::56::21::70072", "line 2: occupation is '21'"),
    "zip code": ("2::M::56::16::", "line 2: zipcode is ''"),
    "zip cut short": ("2::M::56::16::7007", "line 2: zipcode is '7007', expected 5 to 9 letters"),
    "zip with spaces": ("2::M::56::16:: 70072", "line 2: zipcode is ' 70072'"),
    "zip twice": ("2::M::56::16::70072|70072", "line 2: zipcode is '70072|70072'"),
    "control character": ("2::M::56::16::7\x1b[2J", r"line 2: it has the control character '\x1b'"),
    "twice": ("1::M::56::16::70072", "lines 1 and 2 both describe user_id 1 but differ"),
}
BAD_MOVIES = {
    "genre cut short": ("2::Matrix, The (1999)::Action|Sci-", "line 2: genres is 'Action|Sci-'"),
    "empty genre": ("2::Matrix, The (1999)::Action||Sci-Fi", "line 2: genres is 'Action||Sci-Fi'"),
    "genre twice": ("2::Matrix, The (1999)::Action|Action", "line 2: genres is 'Action|Action'"),
    "genre with spaces": ("2::Matrix, The (1999)::Action | Sci-Fi", "line 2: genres is 'Action | "),
    "year 0": ("2::Matrix, The (0000)::Action", "line 2: title is 'Matrix, The (0000)', expected"),
    "year 9999": ("2::Matrix, The (9999)::Action", "a year in brackets, one from 1870 to 2100"),
    "no title": ("2:: ::Action", "line 2: title is ' '"),
    "NUL": ("2::Mat\0rix::Action", r"line 2: it has the control character '\x00'"),
    "very long": (f"2::{'x' * 9999}::Ac", "of at most 1,000 characters, and if"),
}
BAD = [
    pytest.param(table, *bad, id=f"{table} {name}")
    for table, lines in (("ratings", BAD_RATINGS), ("users", BAD_USERS), ("movies", BAD_MOVIES))
    for name, bad in lines.items()
]


@pytest.mark.parametrize(("table", "line", "message"), BAD)
def test_a_bad_line_is_named(tmp_path, table, line, message):
    lines = {"ratings": RATINGS, "users": USERS, "movies": MOVIES}[table]
    write_ml1m(tmp_path, **{table: changed(lines, 1, line)})
    with pytest.raises(DataError) as error:
        movielens.load("ml-1m", tmp_path)
    assert message in str(error.value)
    assert str(tmp_path / "ml-1m" / f"{table}.dat") in str(error.value)
    assert "empty the folder" not in str(error.value)
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 800


@pytest.mark.parametrize("number", [0, 5])
def test_a_line_too_short_and_one_too_long_do_not_hide_each_other(tmp_path, number):
    lines = changed(RATINGS, number, "1::2::3")
    lines = changed(lines, 2, lines[2] + "::7")
    write_ml1m(tmp_path, ratings=lines)
    with pytest.raises(DataError, match=r"ratings.dat, line \d: \d field"):
        movielens.load("ml-1m", tmp_path)


@pytest.mark.parametrize("name", ["users.dat", "movies.dat", "ratings.dat"])
def test_missing_empty_and_utf16_files_are_refused(raw, name):
    path = raw / "ml-1m" / name
    content = path.read_bytes()
    for bad, message in (
        (b"", "is empty"),
        (b"\n", "is empty"),
        ("1::2".encode("utf-16"), "is UTF-16 text, expected text in UTF-8: save it"),
        (content[:-1], "the last line has no line end, so it may be cut short"),
        (gzip.compress(content), "is a gzip file, expected text in UTF-8: unpack it"),
        (b"PK\3\4", "is a zip file, expected text in UTF-8: unpack it"),
    ):
        path.write_bytes(bad)
        with pytest.raises(DataError, match=rf"{name}.*{message}"):
            movielens.load("ml-1m", raw)
    path.unlink()
    with pytest.raises(DataError, match=f"lacks {name}"):
        movielens.load("ml-1m", raw)
    path.mkdir()
    with pytest.raises(DataError, match="cannot read"):
        movielens.load("ml-1m", raw)
    path.rmdir()
    path.write_bytes(content)
    movielens.load("ml-1m", raw)


def test_a_utf8_line_in_a_latin1_file_is_refused(raw):
    path = raw / "ml-1m" / "movies.dat"
    path.write_bytes(path.read_bytes() + "5::Amélie (2001)::Comedy\n".encode())
    with pytest.raises(DataError, match="line 3 is Latin-1, but line 5 is UTF-8: '5::Amélie"):
        movielens.load("ml-1m", raw)


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX's pipes and devices")
@pytest.mark.parametrize("name", ["users.dat", "ml-1m.zip"])
def test_pipes_and_devices_are_refused_without_being_read(raw, name):
    path = raw / "ml-1m" / name
    if name == "ml-1m.zip":
        for table in ("users", "movies", "ratings"):
            (raw / "ml-1m" / f"{table}.dat").unlink()
    path.unlink(missing_ok=True)
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero")):
        make(path)
        with pytest.raises(DataError, match=f"cannot read .*{name}: it is a folder, pipe or dev"):
            movielens.load("ml-1m", raw)
        path.unlink()


def test_a_folder_that_cannot_be_read_is_an_error(raw, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(raw), "exists", denied)
    with pytest.raises(DataError, match="ml-1m cannot be read: Permission denied"):
        movielens.load("ml-1m", raw)


def test_a_file_that_changes_while_it_is_read_is_an_error(raw, monkeypatch):
    fstat = os.fstat

    def changed(descriptor):
        path.write_text("more")
        return fstat(descriptor)

    path = raw / "ml-1m" / "ratings.dat"
    monkeypatch.setattr(os, "fstat", changed)
    with pytest.raises(DataError, match=r"users.dat: it was changed|ratings.dat: it was changed"):
        movielens.load("ml-1m", raw)


def test_utf8_files_are_read_like_latin1_ones(raw):
    plain = movielens.load("ml-1m", raw)
    path = raw / "ml-1m" / "movies.dat"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_bytes("".join(line + "\r\n" for line in MOVIES).encode(encoding))
        again = movielens.load("ml-1m", raw)
        pd.testing.assert_frame_equal(again.movies, plain.movies)
        assert again.fingerprint == plain.fingerprint


def test_tabs_and_unicode_line_ends_are_part_of_a_title(tmp_path):
    titles = ["Toy\tStory (1995)", "Toy\x85Story (1995)", "Year (１９９５)"]
    write_ml1m(tmp_path, ratings=["1::1::5::978300760"])
    text = "".join(f"{n}::{title}::Drama\r" for n, title in enumerate(titles, 1))
    (tmp_path / "ml-1m" / "movies.dat").write_bytes(text.encode())
    data = movielens.load("ml-1m", tmp_path)
    assert data.movies["title"].tolist() == titles
    years = data.movie_features["release_year"]
    assert years.isna().tolist() == [False, False, True]


def test_a_file_in_place_of_a_folder_is_refused(tmp_path):
    (tmp_path / "ml-100k").write_text("")
    with pytest.raises(DataError, match="is a file, expected a folder"):
        movielens.load("ml-100k", tmp_path)
    (tmp_path / "ml-10m").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match="is a broken link, expected a folder"):
        movielens.load("ml-10m", tmp_path)
    for name, archive in (("ml-1m", "ml-1m.zip"), ("latest", "ml-latest.zip")):
        for make in (os.mkdir, os.mkfifo):
            (tmp_path / name).mkdir(exist_ok=True)
            make(tmp_path / name / archive)
            with pytest.raises(DataError, match=f"cannot read .*{archive}: it is a folder, pipe"):
                movielens.load(name, tmp_path)
            shutil.move(tmp_path / name / archive, tmp_path / f"{name}.{make.__name__}")


def test_the_files_of_the_wheel_need_their_header(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    headers = {table: line + "\n" for table, line in raw_readers.ATOMIC_HEADERS.items()}
    (folder / "ml-100k.user").write_text(headers["users"] + "1\t24\tM\tother\t10000\n")
    (folder / "ml-100k.item").write_text(headers["movies"] + "1\tA\t1995\tWar\n")
    ratings, header = folder / "ml-100k.inter", headers["ratings"]
    ratings.write_text(header + "1\t1\t5\t881250949\n")
    assert len(movielens.load("ml-100k", tmp_path).ratings) == 1
    for content, message in (
        ("1\t1\t5\t881250949\n1\t1\t5\t881250949\n", ", line 1: expected the header"),
        (header, " is empty"),
        (header + "1\t1\tfive\t881250949\n", ", line 2: rating is 'five'"),
    ):
        ratings.write_text(content)
        with pytest.raises(DataError, match="ml-100k.inter" + message):
            movielens.load("ml-100k", tmp_path)


def test_repeated_rows_are_dropped_with_a_warning(tmp_path, caplog):
    write_ml1m(tmp_path, ratings=[*RATINGS, RATINGS[0]])
    assert len(movielens.load("ml-1m", tmp_path).ratings) == len(RATINGS)
    assert "ratings.dat: dropped 1 repeated rows" in caplog.text


def test_unofficial_files_are_used_with_one_warning(raw, caplog):
    data = movielens.load("ml-1m", raw)
    assert [r.levelname for r in caplog.records] == ["WARNING"]
    assert "content of users.dat, movies.dat, ratings.dat differs from the official" in caplog.text
    assert set(data.files) == {"users.dat", "movies.dat", "ratings.dat"}


def test_the_fingerprint_distinguishes_ratings_and_timestamps(tmp_path):
    write_ml1m(tmp_path / "a")
    write_ml1m(tmp_path / "b", ratings=changed(RATINGS, 0, "1::1::5::978300761"))
    write_ml1m(tmp_path / "c", ratings=changed(RATINGS, 0, "1::1::4::978300760"))
    a, b, c = (movielens.load("ml-1m", tmp_path / folder).fingerprint for folder in "abc")
    assert [key for key in a if a[key] != b[key]] == ["timestamps"]
    assert [key for key in a if a[key] != c[key]] == ["ratings"]


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_read_or_refused_clearly(content):
    columns = raw_readers.ML1M_COLUMNS["ratings"]
    try:
        frame = raw_readers.parse(content, "ratings.dat", "::", columns)
    except DataError as error:
        assert "ratings.dat" in str(error)
    else:
        assert list(frame) == list(columns)
        assert frame.notna().all(axis=None)


def test_counts_of_ml1m(ml1m):
    counts = ml1m.ratings["rating"].value_counts().sort_index()
    assert (len(ml1m.users), len(ml1m.movies), len(ml1m.ratings)) == (6040, 3883, 1_000_209)
    assert counts.tolist() == [56_174, 107_557, 261_197, 348_971, 226_310]
    assert ml1m.ratings["movie_id"].nunique() == 3706
    assert ml1m.ratings["timestamp"].agg(["min", "max"]).tolist() == [956703932, 1046454590]


def test_ml100k_has_the_groups_of_ml1m(ml100k):
    assert (len(ml100k.users), len(ml100k.movies), len(ml100k.ratings)) == (943, 1682, 100_000)
    first = ml100k.users.iloc[0].to_dict()  # 24 years old, technician
    assert first == {"user_id": 1, "gender": "M", "age": 18, "occupation": 17, "zipcode": "85711"}
    titles = ml100k.movies.set_index("movie_id")["title"]
    assert titles[1] == "Toy Story (1995)"
    assert titles[267] == "unknown"
    assert titles[1412] == "Land Before Time III: The Time of the Great Giving (1995)"


U_USER = "1|24|M|technician|85711\n2|7|F|other|94043\n3|61|F|librarian|00000\n"
U_ITEM = (
    "1|Toy Story (1995)|01-Jan-1995||http://x|0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
    "267|unknown||||1|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0|0\n"
)
U_DATA = "1\t1\t5\t881250949\n3\t267\t1\t881250950\n"


def test_ml100k_in_the_format_of_grouplens(tmp_path):
    folder = tmp_path / "ml-100k"
    folder.mkdir()
    for name, text in (("u.user", U_USER), ("u.item", U_ITEM), ("u.data", U_DATA)):
        (folder / name).write_text(text)
    data = movielens.load("ml-100k", tmp_path)
    assert data.users["age"].tolist() == [18, 1, 56]
    assert data.users["occupation"].tolist() == [17, 0, 1]
    assert data.movies["genres"].tolist() == ["Animation|Children's|Comedy", "unknown"]
    assert data.ratings["rating"].tolist() == [5, 1]
    (folder / "u.user").write_text(U_USER.replace("other", "pirate"))
    with pytest.raises(DataError, match="u.user, line 2: occupation is 'pirate', expected one of"):
        movielens.load("ml-100k", tmp_path)
    (folder / "u.user").write_text(U_USER.replace("|7|", "|0|"))
    with pytest.raises(DataError, match="line 2: age is '0'"):
        movielens.load("ml-100k", tmp_path)


def test_positions_of_users_and_movies(tmp_path):
    """Positions are rows of the tables, whatever the order of the ids."""
    write_ml1m(tmp_path, users=USERS[::-1], movies=MOVIES[::-1])
    data = movielens.load("ml-1m", tmp_path)
    assert data.user_positions([1, 3, 99]).tolist() == [2, 0, -1]
    assert data.movie_positions([4, 1, 0]).tolist() == [0, 3, -1]
    assert data.users["user_id"].iloc[data.rating_users].tolist() == [1, 1, 2, 2, 3, 3]
    assert data.movies["movie_id"].iloc[data.rating_movies].tolist() == [1, 2, 1, 3, 4, 1]
    assert data.labels.tolist() == [1, 0, 1, 0, 0, 1]
    assert data.labels.dtype == "float32"
