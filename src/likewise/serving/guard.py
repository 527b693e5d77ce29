"""What every request passes: the limit on its size, the token, and the headers of the answer."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# Bytes of the body of a request: a picture, and anything else.
MAX_PICTURE_BYTES, MAX_BODY_BYTES = 10 * 2**20, 256 * 2**10
# The page loads nothing from elsewhere, and no other page may show it.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


class Guard:
    """Refuses large requests and those without the token, before anything else reads them.

    Args:
        app: the application behind it.
        token: that requests must have as ``Authorization: Bearer``; ``None`` if none is needed.
        open_paths: paths that need no token.
    """

    def __init__(self, app: App, token: str | None = None, open_paths: Iterable[str] = ()) -> None:
        self.app, self.token, self.open_paths = app, token, frozenset(open_paths)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value for name, value in scope["headers"]}
        if not self._may_pass(scope["path"], headers.get("authorization", b"")):
            refusal = _refusal(401, "this server needs its token; open the address that it printed")
            refusal.headers["www-authenticate"] = "Bearer"
            await refusal(scope, receive, _with_headers(send))
            return
        picture = headers.get("content-type", b"").startswith(b"image/")
        body = await _body(receive, MAX_PICTURE_BYTES if picture else MAX_BODY_BYTES)
        if body is None:
            limit = f"{MAX_PICTURE_BYTES // 2**20} MiB for pictures"
            other = f"{MAX_BODY_BYTES // 2**10} KiB for everything else"
            refusal = _refusal(413, f"the request is too large; the limit is {limit} and {other}")
            refusal.headers["connection"] = "close"
            await refusal(scope, receive, _with_headers(send))
            return
        await self.app(scope, _replay(body, receive), _with_headers(send))

    def _may_pass(self, path: str, given: bytes) -> bool:
        if self.token is None or path in self.open_paths:
            return True
        return hmac.compare_digest(given, b"Bearer " + self.token.encode())


async def _body(receive: Receive, limit: int) -> bytes | None:
    """The whole body; ``None`` as soon as it has more bytes than the limit."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message["headers"] = [*message.get("headers", []), *more]
        await send(message)

    return sending


def _refusal(status: int, sentence: str) -> JSONResponse:
    return JSONResponse({"detail": sentence}, status)
