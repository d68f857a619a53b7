"""AutoInt+'s page, served with headers against misuse by other sites: `streamlit run serve.py`."""

import streamlit as st
from starlette.middleware import Middleware

HEADERS = {
    "content-security-policy": "frame-ancestors 'self'",  # no other site may show it in a frame
    "x-frame-options": "SAMEORIGIN",  # the same for old browsers
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",  # links hold what a visitor entered
}


class AddHeaders:
    """Adds `HEADERS` to every answer of an ASGI application."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        async def send_with_headers(message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = message | {"headers": [*message["headers"], *added]}
            await send(message)

        await self.app(scope, receive, send_with_headers)


app = st.App("show_st2.py", middleware=[Middleware(AddHeaders)])
