"""Read Last.fm play counts and split them into training, validation and test artists.

=====================  ============================================================================
files in the folder    data set
=====================  ============================================================================
user_artists.dat and   HetRec 2011: up to 50 most-played artists of each of 1,892 users
artists.dat
usersha1-artmbid-      Last.fm 360K: 17.5 million rows of user, artist's MBID, artist, plays
artname-plays.tsv
=====================  ============================================================================
"""

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals
from scipy import sparse

from movierec import files
from movierec.data.download import DATA_DIR, NotFoundError
from movierec.data.raw_readers import DataError, parse
from movierec.errors import quoted

FOLDER = DATA_DIR / "lastfm-hetrec2011"
HETREC_URL = "https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"
HETREC = ("user_artists.dat", "artists.dat")
ANEW = f"unpack {HETREC_URL} there again"
LASTFM_360K = "usersha1-artmbid-artname-plays.tsv"
PLAY_COLUMNS = {"userID": int, "artistID": int, "weight": int}
ARTIST_COLUMNS = {"id": int, "name": str, "url": str, "pictureURL": str}
BLOCK_BYTES = 1 << 26  # how much of Last.fm 360K is read at once
MOST_BYTES = 2**33  # of the file


@dataclass(frozen=True)
class Plays:
    """How often each user played each artist.

    Args:
        counts: number of plays, float32, shape (users, artists); every row has at least one.
        users: the data set's own user ids, shape (users,).
        artists: names, shape (artists,).
        notes: sentences on what was left out.
    """

    counts: sparse.csr_array
    users: np.ndarray
    artists: np.ndarray
    notes: tuple[str, ...] = ()

    def columns(self, names: Sequence[str]) -> np.ndarray:
        """Columns of the named artists in the table of plays, shape (names,).

        Raises:
            DataError: an unknown name; the message suggests similar ones.
        """
        column_of = pd.Series(np.arange(len(self.artists)), self.artists)
        for name in names:
            if name not in column_of.index:
                similar = " or ".join(difflib.get_close_matches(name, self.artists, n=3))
                hint = f"did you mean {similar}?" if similar else "names are case-sensitive"
                raise DataError(f"no artist is called {quoted(name)}: {hint}")
        return column_of[list(names)].to_numpy()

    def with_listener(self, favourites: Mapping[str, int]) -> "Plays":
        """These plays and one more user in the last row, given the number of plays by artist name.

        Raises:
            DataError: an unknown artist, no artists, or fewer than 1 play.
        """
        if not favourites or min(favourites.values()) < 1:
            raise DataError(f"expected artists with 1 play or more. Received: {dict(favourites)}")
        row = np.zeros((1, len(self.artists)), np.float32)
        row[0, self.columns(list(favourites))] = list(favourites.values())
        counts = sparse.vstack([self.counts, sparse.csr_array(row)], format="csr")
        return Plays(counts, np.append(self.users, "you"), self.artists, self.notes)


def load(folder: Path = FOLDER) -> Plays:
    """Read the data set whose files are in `folder`.

    Raises:
        DataError: a damaged file.
        NotFoundError: the folder does not have the files of either data set.
    """
    if all((folder / name).exists() for name in HETREC):
        return read_hetrec(folder)
    if (folder / LASTFM_360K).exists():
        return read_360k(folder / LASTFM_360K)
    raise NotFoundError(
        f"{folder} holds neither {' and '.join(HETREC)} (unpack {HETREC_URL} there) nor "
        f"{LASTFM_360K} (Last.fm 360K)"
    )


def read_hetrec(folder: Path) -> Plays:
    """Read the two files of HetRec 2011.

    Raises:
        DataError: an invalid line, plays below 1, a repeated pair or artist, or an artist that is
            not listed.
    """
    plays_file, artists_file = (folder / name for name in HETREC)
    artists, plays = (
        parse(files.read(file), str(file), "\t", columns, "\t".join(columns), ANEW)
        for file, columns in ((artists_file, ARTIST_COLUMNS), (plays_file, PLAY_COLUMNS))
    )
    repeated = artists["id"].duplicated()
    if repeated.any():
        line = int(repeated.idxmax()) + 2
        raise DataError(
            f"{artists_file}, line {line}: artist {artists['id'][line - 2]} is listed a second "
            f"time. Keep one of the two, or {ANEW}"
        )
    faults = {
        "plays below 1": plays["weight"] < 1,
        "an artist that artists.dat does not list": ~plays["artistID"].isin(artists["id"]),
        "a second line for the same user and artist": plays.duplicated(["userID", "artistID"]),
    }
    for fault, rows in faults.items():
        if rows.any():
            line = int(rows.idxmax()) + 2
            raise DataError(f"{plays_file}, line {line}: {fault}. Correct that line, or {ANEW}")
    names = artists.set_index("id")["name"]
    return _plays(plays["userID"], plays["artistID"].map(names), plays["weight"])


def read_360k(path: Path) -> Plays:
    """Read Last.fm 360K, whose lines have user, MBID, artist and plays, without a header.

    A user with an invalid line (a wrong number of fields, no artist, or plays that are not a whole
    number above 0) is dropped, since the remaining plays may be incomplete. Artists are identified
    by name because many have no MBID. The file is read in blocks, so that the text of all 17.5
    million rows is never in memory at once.

    Raises:
        DataError: no user with valid lines only.
        OSError: see `files.check_plain`.
    """
    files.check_plain(path, MOST_BYTES)
    blocks, invalid_users, faults = [], set(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            rows, users = _parse_block(block + file.readline())
            blocks.append(rows)
            invalid_users.update(users)
            faults += len(users)
    users, names = (
        union_categoricals([rows[field] for rows in blocks], sort_categories=True)
        if blocks
        else pd.Categorical([])
        for field in ("user", "artist")
    )
    kept = ~np.asarray(users.isin(invalid_users))
    if not kept.any():
        raise DataError(
            f"{path} has no user whose lines are all valid, expected user, MBID, artist and plays "
            "separated by tabs. Download the file again"
        )
    counts = pd.concat([rows["plays"] for rows in blocks])
    note = f"removed {len(invalid_users):,} users with {faults:,} invalid lines"
    return _plays(users[kept], names[kept], counts[kept], (note,) if invalid_users else ())


def _parse_block(block: bytes) -> tuple[pd.DataFrame, list[str]]:
    """The valid lines of a block, and the user of each invalid one. Empty lines are skipped."""
    lines = block.replace(b"\r\n", b"\n").replace(b"\0", b"").split(b"\n")
    with_four_fields = [line for line in lines if line.count(b"\t") == 3]
    others = [line for line in lines if line and line.count(b"\t") != 3]
    invalid_users = [line.partition(b"\t")[0].decode(errors="replace") for line in others]
    rows = pd.read_csv(
        io.BytesIO(b"\n".join([b"user\tmbid\tartist\tplays", *with_four_fields])),
        sep="\t",
        usecols=["user", "artist", "plays"],
        dtype=str,
        quoting=csv.QUOTE_NONE,
        keep_default_na=False,
        lineterminator="\n",
        encoding_errors="replace",
    ).astype("category")
    texts = rows["plays"].cat.categories
    numbers = texts[texts.str.fullmatch("[1-9][0-9]{0,8}").astype(bool)]
    valid = rows["plays"].isin(numbers) & (rows["artist"] != "") & (rows["user"] != "")
    invalid_users += rows.loc[~valid, "user"].tolist()
    plays = rows.loc[valid, "plays"].cat.remove_unused_categories().astype(np.int64)
    return rows[valid].assign(plays=plays), invalid_users


def _plays(users, names, counts: pd.Series, notes: tuple[str, ...] = ()) -> Plays:
    """Plays from columns of equal length; artists with the same name are merged."""
    row, user_ids = pd.factorize(users, sort=True)
    column, artists = pd.factorize(names, sort=True)
    entries, shape = (counts.to_numpy(np.float32), (row, column)), (len(user_ids), len(artists))
    matrix = sparse.coo_array(entries, shape).tocsr()
    return Plays(matrix, np.asarray(user_ids), np.asarray(artists, object), notes)


@dataclass(frozen=True)
class Holdout:
    """Each user's plays, split by artist; all of shape (users, artists)."""

    train: sparse.csr_array
    valid: sparse.csr_array
    test: sparse.csr_array

    @property
    def known(self) -> sparse.csr_array:
        """Training and validation plays, to fit on before the test."""
        return self.train + self.valid


def holdout(counts: sparse.csr_array, seed: int = 42) -> Holdout:
    """Split each user's artists at random: a fifth for the test, a tenth for validation.

    Both are rounded down, so users with fewer than ten artists have no validation artists, and
    users with fewer than five have training artists only.
    """
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    order = np.lexsort((np.random.default_rng(seed).random(len(rows)), rows))
    position = np.empty(len(rows), np.int64)  # in the user's random order
    position[order] = np.arange(len(rows)) - counts.indptr[rows[order]]
    size = np.diff(counts.indptr)[rows]
    test = position < size // 5
    valid = ~test & (position < size // 5 + size // 10)

    def part(mask: np.ndarray) -> sparse.csr_array:
        entries = (counts.data[mask], (rows[mask], counts.indices[mask]))
        return sparse.csr_array(entries, shape=counts.shape)

    return Holdout(part(~test & ~valid), part(valid), part(test))
