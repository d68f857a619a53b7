"""The page's answers have the headers that forbid other sites to frame it."""

import asyncio

import serve


def test_every_answer_has_the_headers():
    sent = []

    async def page(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"a", b"b")]})
        await send({"type": "http.response.body", "body": b"hello"})

    async def send(message):
        sent.append(message)

    asyncio.run(serve.AddHeaders(page)({"type": "http"}, None, send))
    headers = dict(sent[0]["headers"])
    assert headers[b"content-security-policy"] == b"frame-ancestors 'self'"
    assert headers[b"x-frame-options"] == b"SAMEORIGIN"
    assert headers[b"a"] == b"b"
    assert sent[1]["body"] == b"hello"
