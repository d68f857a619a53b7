"""Who listened to which artist how often: Last.fm's play counts, read and split.

=====================  ============================================================================
files in the folder    data set
=====================  ============================================================================
user_artists.dat and   HetRec 2011: 1,892 users with their 50 most-played artists at most
artists.dat
usersha1-artmbid-      Last.fm 360K: 17.5 million rows of user, artist's MBID, artist, plays
artname-plays.tsv
=====================  ============================================================================
"""

import csv
import difflib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals
from scipy import sparse

from movierec.rawfiles import DataError, parse

HETREC_URL = "https://files.grouplens.org/datasets/hetrec2011/hetrec2011-lastfm-2k.zip"
HETREC = ("user_artists.dat", "artists.dat")
ANEW = f"unpack {HETREC_URL} there anew"
LASTFM_360K = "usersha1-artmbid-artname-plays.tsv"
PLAYS = {"userID": int, "artistID": int, "weight": int}
BLOCK = 1 << 26  # bytes of Last.fm 360K read at once
ARTISTS = {"id": int, "name": str, "url": str, "pictureURL": str}


@dataclass(frozen=True)
class Plays:
    """How often each user played each artist.

    Args:
        counts: plays, float32, shape (users, artists), without empty rows.
        users: as the source names them, shape (users,).
        artists: their names, shape (artists,).
        dropped: what was left out on the way, in words.
    """

    counts: sparse.csr_array
    users: np.ndarray
    artists: np.ndarray
    dropped: tuple[str, ...] = ()

    def places(self, names) -> np.ndarray:
        """The columns of artists, by name.

        Raises:
            DataError: a name that is not there, with those that look like it.
        """
        known = pd.Series(np.arange(len(self.artists)), self.artists)
        for name in names:
            if name not in known.index:
                near = difflib.get_close_matches(name, self.artists, n=3)
                hint = f"did you mean {' or '.join(near)}?" if near else "names are case-sensitive"
                raise DataError(f"no artist is called {name!r}: {hint}")
        return known[list(names)].to_numpy()


def load(folder: Path) -> Plays:
    """The data set whose files stand in `folder`.

    Raises:
        DataError: no such files, or a file that is not as it should be.
    """
    if all((folder / name).exists() for name in HETREC):
        return read_hetrec(folder)
    if (folder / LASTFM_360K).exists():
        return read_360k(folder / LASTFM_360K)
    raise DataError(
        f"{folder} holds neither {' and '.join(HETREC)} (unpack {HETREC_URL} there) nor "
        f"{LASTFM_360K} (Last.fm 360K)"
    )


def read_hetrec(folder: Path) -> Plays:
    """HetRec 2011's two files.

    Raises:
        DataError: a line that is not as expected, plays below 1, a pair that stands twice, or an
            artist that is not listed.
    """
    plays_file, artists_file = HETREC
    artists = parse(
        (folder / artists_file).read_bytes(), artists_file, "\t", ARTISTS, _header(ARTISTS), ANEW
    )
    plays = parse((folder / plays_file).read_bytes(), plays_file, "\t", PLAYS, _header(PLAYS), ANEW)
    twice = artists["id"].duplicated()
    if twice.any():
        line = int(twice.idxmax()) + 2
        raise DataError(
            f"{artists_file}, line {line}: artist {artists['id'][line - 2]} is listed a second "
            f"time. Keep one, or {ANEW}"
        )
    wrong = {
        "plays below 1": plays["weight"] < 1,
        "an artist that artists.dat does not list": ~plays["artistID"].isin(artists["id"]),
        "a pair that stands twice": plays.duplicated(["userID", "artistID"]),
    }
    for what, rows in wrong.items():
        if rows.any():
            line = int(rows.idxmax()) + 2
            raise DataError(f"{plays_file}, line {line}: {what}. Mend that line, or {ANEW}")
    names = artists.set_index("id")["name"]
    return _plays(plays["userID"], plays["artistID"].map(names), plays["weight"])


def _header(columns: Mapping[str, type]) -> str:
    return "\t".join(columns)


def read_360k(path: Path) -> Plays:
    """Last.fm 360K: user, MBID, artist, plays a line, without a header.

    A user with a broken line (fields missing or too many, no artist, plays that are no whole number
    above 0) is dropped whole, since the rest of what was played cannot be told from the file.
    Artists are told apart by name, for many have no MBID. The file is read in blocks: 17.5 million
    rows take memory for their numbers, not for their texts.

    Raises:
        DataError: a file without a single whole line of a user who has no broken one.
    """
    blocks, broken, faults = [], set(), 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            rows, users = _block(block + file.readline())
            blocks.append(rows)
            broken.update(users)
            faults += len(users)
    users, names = (
        union_categoricals([rows[field] for rows in blocks], sort_categories=True)
        if blocks
        else pd.Categorical([])
        for field in ("user", "artist")
    )
    kept = ~np.asarray(users.isin(broken))
    if not kept.any():
        raise DataError(
            f"{path} has no whole line of user, MBID, artist and plays separated by tabs: get it "
            "anew"
        )
    counts = pd.concat([rows["plays"] for rows in blocks])
    dropped = (f"{len(broken):,} users with {faults:,} broken lines",) if broken else ()
    return _plays(users[kept], names[kept], counts[kept], dropped)


def _block(block: bytes) -> tuple[pd.DataFrame, list[str]]:
    """The whole lines of some, and the user of each broken one; a blank line is neither."""
    lines = block.replace(b"\r\n", b"\n").replace(b"\0", b"").split(b"\n")
    four = [line for line in lines if line.count(b"\t") == 3]
    broken = [
        line.partition(b"\t")[0].decode(errors="replace")
        for line in lines
        if line and line.count(b"\t") != 3
    ]
    rows = pd.read_csv(
        io.BytesIO(b"\n".join([b"user\tmbid\tartist\tplays", *four])),
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
    fine = rows["plays"].isin(numbers) & (rows["artist"] != "") & (rows["user"] != "")
    broken += rows.loc[~fine, "user"].tolist()
    plays = rows.loc[fine, "plays"].cat.remove_unused_categories().astype(np.int64)
    return rows[fine].assign(plays=plays), broken


def _plays(users, names, counts: pd.Series, dropped=()) -> Plays:
    """Plays from columns of equal length; an artist under two numbers is one artist."""
    user, user_ids = pd.factorize(users, sort=True)
    artist, artist_names = pd.factorize(names, sort=True)
    matrix = sparse.coo_array(
        (counts.to_numpy(np.float32), (user, artist)), (len(user_ids), len(artist_names))
    ).tocsr()
    return Plays(matrix, np.asarray(user_ids), np.asarray(artist_names, object), tuple(dropped))


def with_listener(plays: Plays, favourites: Mapping[str, int]) -> Plays:
    """The same with one more user, last, who played these artists so often.

    Raises:
        DataError: an unknown artist, or plays below 1.
    """
    if not favourites or min(favourites.values()) < 1:
        raise DataError(f"expected artists with 1 play or more. Received: {dict(favourites)}")
    row = np.zeros((1, len(plays.artists)), np.float32)
    row[0, plays.places(favourites)] = list(favourites.values())
    counts = sparse.vstack([plays.counts, sparse.csr_array(row)], format="csr")
    return Plays(counts, np.append(plays.users, "you"), plays.artists, plays.dropped)


@dataclass(frozen=True)
class Holdout:
    """Each user's artists, parted at random; all of shape (users, artists).

    Args:
        train: to fit on.
        valid: to choose by.
        test: to report, looked at once.
    """

    train: sparse.csr_array
    valid: sparse.csr_array
    test: sparse.csr_array

    @property
    def known(self) -> sparse.csr_array:
        """Training and validation: what to learn from once nothing is left to choose."""
        return self.train + self.valid


def holdout(counts: sparse.csr_array, seed: int = 42) -> Holdout:
    """A fifth of each user's artists to test, a tenth to validate, rounded down.

    Users with fewer than ten artists have no validation artists, those with fewer than five only
    train.
    """
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    order = np.lexsort((np.random.default_rng(seed).random(len(rows)), rows))
    place = np.empty(len(rows), np.int64)
    place[order] = np.arange(len(rows)) - counts.indptr[rows[order]]
    size = np.diff(counts.indptr)[rows]
    test = place < size // 5
    valid = ~test & (place < size // 5 + size // 10)

    def part(chosen: np.ndarray) -> sparse.csr_array:
        entries = (counts.data[chosen], (rows[chosen], counts.indices[chosen]))
        return sparse.csr_array(entries, shape=counts.shape)

    return Holdout(part(~test & ~valid), part(valid), part(test))
