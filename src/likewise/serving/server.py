"""Listening for requests until the program is interrupted."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress

import uvicorn
from fastapi import FastAPI

from likewise.errors import LikewiseError

# Requests that are in progress at once; further ones get the status 503.
MAX_REQUESTS = 64


class PrintingServer(uvicorn.Server):
    """Prints its address when it listens, which is needed with ``--port 0``.

    Args:
        config: of the server.
        token: is a part of the printed address.
    """

    def __init__(self, config: uvicorn.Config, token: str | None) -> None:
        super().__init__(config)
        self.token = token

    async def startup(self, sockets: Sequence[socket.socket] | None = None) -> None:
        """Start to listen."""
        await super().startup(None if sockets is None else list(sockets))
        if sockets and self.started:
            host, port = sockets[0].getsockname()[:2]
            place = f"[{host}]" if ":" in host else host
            # What follows # stays in the browser.
            secret = f"/#token={self.token}" if self.token else ""
            print(f"page      http://{place}:{port}{secret}", flush=True)


def serve(app: FastAPI, host: str, port: int, token: str | None) -> None:
    """Serve until the program is interrupted.

    Raises:
        LikewiseError: the address cannot be listened at.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise LikewiseError(
            f"--host {host} --port {port} cannot be listened at ({error.strerror or error}); "
            "choose another --port"
        ) from error
    # The server ends by itself when it is interrupted, and repeats the interruption.
    with listener, suppress(KeyboardInterrupt):
        config = uvicorn.Config(
            app, log_level="warning", limit_concurrency=MAX_REQUESTS, server_header=False
        )
        PrintingServer(config, token).run(sockets=[listener])
