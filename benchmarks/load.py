"""Load test: many sessions at once on the running page; the list after every change is checked.

Start the page (`make app`), then run `python -m benchmarks.load`. Each session is a websocket that
sends what a browser would send, without rendering: it opens the page and then changes the user and
the filter for less well-known movies by turns. The movies on the cards are compared with
`Recommender.rank`.

A crowd at human pace for ten minutes, with the memory of the page's process and requests for the
health path at the same time:

    python -m benchmarks.load --sessions 200 --changes 120 --pause 5 --process PID --health 1000

With several addresses, the sessions are divided among the processes that serve them.
"""

import argparse
import asyncio
import itertools
import os
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from movierec.models.registry import TITLES
from movierec.serving import recommender
from movierec.serving.lookups import Filters


class Session:
    """One open page."""

    def __init__(self, socket):
        self.socket, self.messages = socket, {}
        self.user_field = self.filter = self.fragment = None
        self.page_hash = self.query = ""

    async def run(self, who: str | None = None, fresh: bool | None = None) -> list[str]:
        """Run the page and return the texts of its cards.

        Args:
            who: text to put into the user field; None leaves it unchanged.
            fresh: whether well-known movies are left out; None leaves that unchanged.

        Raises:
            RuntimeError: the page shows an exception.
        """
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.page_script_hash = self.page_hash
        if who is not None:
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.string_value = self.user_field, who
        if fresh is not None:
            message.rerun_script.fragment_id = self.fragment
            widget = message.rerun_script.widget_states.widgets.add()
            widget.id, widget.bool_value = self.filter, fresh
        await self.socket.send(message.SerializeToString())
        cards = []
        while True:
            answer = ForwardMsg.FromString(await self.socket.recv())
            if answer.WhichOneof("type") == "ref_hash":
                answer = self.messages[answer.ref_hash]
            elif answer.hash:
                self.messages[answer.hash] = answer
            if answer.WhichOneof("type") == "script_finished":
                return cards
            if answer.WhichOneof("type") == "navigation":
                self.page_hash = answer.navigation.page_script_hash
            if answer.WhichOneof("type") == "page_info_changed":
                self.query = answer.page_info_changed.query_string
            element = answer.delta.new_element
            if element.HasField("exception"):
                raise RuntimeError(f"the page shows {element.exception.message}")
            if element.HasField("text_input") and self.user_field is None:
                self.user_field = element.text_input.id  # the first text field
            if element.HasField("checkbox") and "-fresh" in element.checkbox.id:
                self.filter, self.fragment = element.checkbox.id, answer.delta.fragment_id
            if element.HasField("markdown") and ":small[" in element.markdown.body:
                cards.append(element.markdown.body.replace("\\", ""))


async def one_session(
    url: str, users: Sequence[int], expected: dict[tuple[int, bool], list[str]], pause: float
) -> list[tuple[str, float, bool]]:
    """Kind, seconds and correctness of each run: first page, then users and filters by turns."""
    measured, fresh = [], False
    # Like a browser, wait for a busy server (no pings) and accept messages of any size.
    options = {"subprotocols": ["streamlit"], "max_size": None, "ping_interval": None}
    async with connect(url, open_timeout=120, **options) as socket:
        session = Session(socket)

        async def change(what: str, user: int, **changes) -> None:
            start = time.perf_counter()
            cards = await session.run(**changes)
            seconds = time.perf_counter() - start
            names = [card.split("**")[1].split(". ", 1)[1] for card in cards]
            right = what == "first page" or names == expected[user, fresh]
            measured.append((what, seconds, right))
            await asyncio.sleep(pause * random.random() * 2)

        await change("first page", 0)
        for number, user in enumerate(users):
            if number % 2 == 0:
                await change("changed user", user, who=str(user))
            else:
                fresh = not fresh
                await change("changed filter", users[number - 1], fresh=fresh)
    return measured


async def all_sessions(
    urls: Sequence[str], users: np.ndarray, *rest
) -> list[list[tuple[str, float, bool]]]:
    """`one_session` for every row of `users`, shape (sessions, changes), at the same time."""
    shared = itertools.cycle(urls)
    return await asyncio.gather(*(one_session(next(shared), row.tolist(), *rest) for row in users))


async def memory(process: int | None, finished: asyncio.Event) -> list[tuple[float, float]]:
    """Times and resident MiB of a process, once a second until `finished`; needs Linux."""
    start, measured = time.perf_counter(), []
    while process is not None and not finished.is_set():
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        measured.append((time.perf_counter() - start, pages * os.sysconf("SC_PAGESIZE") / 2**20))
        await asyncio.sleep(1)
    return measured


async def health(address: str, rate: int, finished: asyncio.Event) -> list[tuple[float, bool]]:
    """Ask the health path `rate` times a second until `finished`; seconds and whether it is ok."""
    host, port = address.split(":")
    request = f"GET /_stcore/health HTTP/1.0\r\nHost: {address}\r\n\r\n".encode()

    async def ask() -> tuple[float, bool]:
        start = time.perf_counter()
        try:
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(request)
            answer = await reader.read()
            writer.close()
        except OSError:
            answer = b""
        return time.perf_counter() - start, answer.endswith(b"ok")

    asked = []
    while rate and not finished.is_set():
        asked.append(asyncio.create_task(ask()))
        await asyncio.sleep(1 / rate)
    return await asyncio.gather(*asked)


async def crowd(options: argparse.Namespace, users: np.ndarray, expected: dict) -> tuple:
    """What `all_sessions`, `memory` and `health` measure at the same time."""
    finished = asyncio.Event()
    others = asyncio.gather(
        memory(options.process, finished),
        health(options.address[0], options.health, finished),
    )
    urls = [f"ws://{address}/_stcore/stream" for address in options.address]
    sessions = await all_sessions(urls, users, expected, options.pause)
    finished.set()
    return sessions, *await others


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the load test and print the median and the 95th percentile of the response times."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument(
        "--address", nargs="+", default=["localhost:8501"], help="addresses of the page"
    )
    parser.add_argument("--model", choices=TITLES, default="autointmlp", help="that it shows")
    parser.add_argument("--dataset", default="ml-1m", help="that it uses")
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--changes", type=int, default=20)
    parser.add_argument("--pause", type=float, default=0, help="mean seconds between changes")
    parser.add_argument("--process", type=int, help="of the page, to measure its memory")
    parser.add_argument(
        "--health", type=int, default=0, help="requests a second for the health path"
    )
    options = parser.parse_args(arguments)
    loaded = recommender.load(options.model, options.dataset)
    rng = np.random.default_rng(0)
    user_ids = loaded.data.users["user_id"].to_numpy()
    users = rng.choice(user_ids, (options.sessions, options.changes))
    expected = {
        (user, fresh): [
            loaded.lookups.name(movie)
            for movie in loaded.rank(loaded.candidates(user), filters=Filters(hide_known=fresh))[
                "movie_id"
            ]
        ]
        for user in np.unique(users[:, ::2]).tolist()
        for fresh in (False, True)
    }
    start = time.perf_counter()
    measured, sizes, healthy = asyncio.run(crowd(options, users, expected))
    seconds = time.perf_counter() - start
    table = pd.DataFrame(itertools.chain(*measured), columns=["what", "seconds", "right"])
    for name, runs in table.groupby("what", sort=False):
        median, high = 1000 * runs["seconds"].quantile([0.5, 0.95])
        print(f"{name}: median {median:.0f} ms, 95 % below {high:.0f} ms")
    changes, wrong = (table["what"] != "first page").sum(), (~table["right"]).sum()
    print(f"{len(measured)} sessions at once, {changes} changes in {seconds:.0f} s, {wrong} wrong")
    if options.process:
        times, mib = np.array(sizes).T
        slope = np.polyfit(times, mib, 1)[0] if len(mib) > 1 else 0.0
        ends = f"{mib[0]:.0f} MiB at first, {mib[-1]:.0f} MiB at the end"
        print(f"memory: {ends}, {slope * 3600:+.0f} MiB an hour")
    if healthy:
        ok = sum(right for _, right in healthy)
        high = np.quantile([duration for duration, _ in healthy], 0.95)
        print(f"health: {ok} of {len(healthy)} requests ok, 95 % below {1000 * high:.0f} ms")
    if wrong:
        parser.exit(1, "at least one session showed a wrong list\n")


if __name__ == "__main__":
    main()
