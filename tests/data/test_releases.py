"""The MovieLens releases with half stars and without users: their layouts, and what is refused."""

import zipfile

import numpy as np
import pytest

from movierec.data import movielens
from movierec.data.dataset import split_by
from movierec.data.download import NotFoundError
from movierec.data.raw_readers import DataError
from tests.conftest import write_ml1m

RATINGS = ["userId,movieId,rating,timestamp", "1,2,3.5,978300760", "1,3,4.0,978300761"]
RATINGS += ["7,2,0.5,1500000000"]
MOVIES = [
    "movieId,title,genres",
    '2,"Matrix, The (1999)",Action|Sci-Fi',
    "3,Untitled,(no genres listed)",
]
CSV = ("ml-20m", "ml-25m", "ml-32m", "latest", "latest-small")


def write(data_dir, name="latest-small", ratings=RATINGS, movies=MOVIES, end="\n"):
    folder = data_dir / name
    folder.mkdir(parents=True)
    for table, lines in (("ratings", ratings), ("movies", movies)):
        (folder / f"{table}.csv").write_bytes("".join(line + end for line in lines).encode())
    return folder


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", CSV)
def test_csv_releases(tmp_path, name, end):
    write(tmp_path, name, end=end)
    data = movielens.load(name, tmp_path)
    assert data.users["user_id"].tolist() == [1, 7]
    assert data.movies["title"].tolist() == ["Matrix, The (1999)", "Untitled"]
    assert data.movies["genres"].tolist() == ["Action|Sci-Fi", ""]
    assert data.ratings["rating"].tolist() == [3.5, 4.0, 0.5]
    assert data.ratings.dtypes.astype(str).tolist() == ["int32", "int32", "float32", "int64"]
    assert data.labels.tolist() == [0, 1, 0]
    assert len(data.scale.ratings) == 10
    assert data.fields.user == ("user_id",)
    assert len(data.fields.all) == 9
    assert data.genre_table.columns.tolist() == ["Action", "Sci-Fi"]
    assert movielens.load(name, tmp_path).fingerprint == data.fingerprint


def test_ml10m(tmp_path):
    folder = tmp_path / "ml-10m"
    folder.mkdir()
    (folder / "ratings.dat").write_text("1::122::5::838985046\n1::185::0.5::838983525\n")
    (folder / "movies.dat").write_text(
        "122::Boomerang (1992)::Comedy\n185::Net, The (1995)::IMAX\n"
    )
    data = movielens.load("ml-10m", tmp_path)
    assert data.ratings["rating"].tolist() == [5.0, 0.5]
    assert data.users["user_id"].tolist() == [1]


def test_an_archive_of_latest_is_read_whatever_its_content(tmp_path):
    folder = tmp_path / "latest"
    folder.mkdir()
    with zipfile.ZipFile(folder / "ml-latest.zip", "w") as archive:
        archive.writestr("ml-latest/ratings.csv", "\n".join(RATINGS) + "\n")
        archive.writestr("ml-latest/movies.csv", "\n".join(MOVIES) + "\n")
    data = movielens.load("latest", tmp_path)
    assert len(data.ratings) == 3
    assert data.source == "ml-latest.zip (not compared with the official release)"


def test_latest_is_not_downloaded(tmp_path):
    with pytest.raises(NotFoundError, match="changes from time to time, so it is not fetched"):
        movielens.load("latest", tmp_path)


def test_a_release_in_the_folder_of_another_is_refused_by_name(tmp_path):
    write(tmp_path, "ml-1m")
    with pytest.raises(DataError, match="the files of ml-20m or .*; ml-1m has users.dat, movies"):
        movielens.load("ml-1m", tmp_path)
    write_ml1m(tmp_path / "other").rename(tmp_path / "latest-small")
    with pytest.raises(DataError, match="the files of ml-1m or ml-10m; latest-small has movies"):
        movielens.load("latest-small", tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1,4,3.5", "line 3: 3 field(s) in '1,4,3.5', expected 4 separated by commas (userId,"),
        ("a,3,4.0,978300761", "line 3: userId is 'a', expected a whole number"),
        ("1,3,good,978300761", "line 3: rating is 'good', expected a number such as 3.5"),
        ("1,3,3.7,978300761", "line 3: rating is '3.7', expected one of"),
        ("1,3,nan,978300761", "line 3: rating is 'nan', expected a number such as 3.5"),
        ("1,3,4.0,2001-01-01T10:00:00", "timestamp is '2001-01-01T10:00:00', expected a whole"),
        ("1,3,4.0,978300761000", "timestamp is '978300761000', expected seconds since 1970"),
        (f"{2**31},3,4.0,978300761", f"user_id is '{2**31}', expected a whole number from 1 to"),
        (f"{10**25},3,4.0,978300761", "which is too large for an id or a time"),
        ("1,9,4.0,978300761", "line 3: movie_id is 9, which movies.csv does not list"),
        ("1,2,4.0,978300760", "lines 2 and 3 both describe user_id 1, movie_id 2 but differ"),
        ('1,3,"4.0,978300761', "a quotation mark in '1,3,\"4.0,978300761' is not closed"),
        ("", "line 3: 0 field(s) in ''"),
        ("0x1,3,4.0,978300761", "line 3: userId is '0x1', expected a whole number"),
        ("1,3,4e0,978300761", "line 3: rating is '4e0', expected a number such as 3.5"),
        ("1, 3,4.0,978300761", "line 3: movieId is ' 3', expected a whole number"),
        ("1,3,4.0,+978300761", "line 3: timestamp is '+978300761', expected a whole number"),
        ("1,3,\x00,978300761", "line 3: rating is '\\x00'"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    write(tmp_path, ratings=[RATINGS[0], RATINGS[1], line, RATINGS[3]])
    with pytest.raises(DataError) as error:
        movielens.load("latest-small", tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("0x3,Untitled,Drama", "line 3: movieId is '0x3', expected a whole number"),
        (f"{10**18},Untitled,Drama", "which is too large for an id or a time"),
        (f"3,{'T' * 1001},Drama", "expected some text of at most 1,000 characters"),
        ("3,Untitled (0000),Drama", "line 3: title is 'Untitled (0000)', expected some text"),
    ],
)
def test_a_bad_line_of_the_movies_is_named(tmp_path, line, message):
    write(tmp_path, movies=[*MOVIES[:2], line])
    with pytest.raises(DataError) as error:
        movielens.load("latest-small", tmp_path)
    assert message in str(error.value)


def test_the_source_says_what_was_not_compared(tmp_path):
    write(tmp_path)
    source = "files in latest-small/ (not compared with the official release)"
    assert movielens.load("latest-small", tmp_path).source == source


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b"userId,movieId,rating\n1,2,3\n",
            "line 1: expected the columns userId, movieId, rating, t",
        ),
        (b"", "ratings.csv is empty: restore the file"),
        (b"\xff", "line 1: this is not the header of a CSV file in UTF-8"),
        (b"\xff\xfeu\x00s\x00", "is UTF-16 text, expected text in UTF-8: save it as CSV in UTF-8"),
        (b"userId;movieId;rating;timestamp\n1;2;3;4\n", "are separated by ';', expected commas"),
        (b"userId,movieId,rating,timestamp\n", "has a header and no rows"),
        (b"userId,movieId,rating,timestamp\n1,2,3.5,978300760", "the last line has no line end"),
        (b"PK\x03\x04", "is a zip file, expected text in UTF-8: unpack it there"),
        (b"userId,movieId,rating,timestamp\n1,2,\xff,978300760\n", "is not UTF-8"),
    ],
)
def test_a_bad_file_is_named(tmp_path, content, message):
    folder = write(tmp_path)
    (folder / "ratings.csv").write_bytes(content)
    with pytest.raises(DataError) as error:
        movielens.load("latest-small", tmp_path)
    assert message in str(error.value)


def test_encoded_rows_of_half_stars(tmp_path):
    rng = np.random.default_rng(0)
    lines = [
        f"{user},{movie},{rng.choice([1, 2.5, 4, 5])},{978300000 + 60 * user}"
        for user in range(1, 9)
        for movie in (2, 3)
    ]
    write(tmp_path, ratings=[RATINGS[0], *lines])
    dataset = split_by(movielens.load("latest-small", tmp_path))
    rows = dataset.encoded(dataset.fit_encoder(dataset.split.train)).rows(dataset.split.train)
    assert rows.ids.shape[1] == 9
    assert rows.movie_columns == slice(1, 7)
    assert np.array_equal(rows.labels, rows.ratings >= 4)
    assert len(rows.scale.ratings) == 10
