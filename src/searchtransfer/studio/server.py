# SPDX-License-Identifier: Apache-2.0
"""The server: routes behind the guard. Imports starlette and uvicorn."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..process.signals import SIGNALS, answered
from .guard import Guard, names_of
from .limits import Limits
from .routes import routes
from .sessions import Sessions
from .workshop import Workshop


def serve(
    listener: socket.socket,
    address: str,
    folder: Path,
    host: str,
    limits: Limits,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until interrupted; then all work is ended and all visitors' pictures are deleted.

    Raises:
        KeyboardInterrupt: that is how it ends.
    """
    sessions, workshop = Sessions(folder, limits), Workshop(limits)
    app = Starlette(routes=routes(sessions, workshop, limits))
    # Its log goes where ours does; by itself Python would print what has nowhere to go, such as
    # that a page was still open in the end.
    logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
    config = uvicorn.Config(
        Guard(app, names_of(host)),
        http=_impatient(limits.header_seconds),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        limit_concurrency=16 * limits.sessions,
    )

    def ready() -> None:
        on_ready(address)
        workshop.warm()

    server = _Server(config, ready)
    threading.Thread(target=sessions.watch, name="watch", daemon=True).start()
    try:
        asyncio.run(server.serve([listener]))
    finally:
        workshop.close()
        sessions.close()
    raise KeyboardInterrupt  # also where uvicorn heard the signal, and ended in peace


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Say when it answers."""
        await super().startup(sockets)
        if self.started:
            self.ready()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """SIGHUP too lets the requests of this moment come to their end."""
        with super().capture_signals(), answered(self.handle_exit, SIGNALS[2:]):
            yield


def _impatient(seconds: float) -> type[asyncio.Protocol]:
    """Connections that are closed where they do not say what they want within so many seconds."""

    class Impatient(H11Protocol):
        look: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._wait()

        def data_received(self, data: bytes) -> None:
            if self._is_silent():  # perhaps the first bytes of the next request
                self._wait()
            super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            if self.look is not None:
                self.look.cancel()

        def _is_silent(self) -> bool:
            return self.cycle is None or self.cycle.response_complete

        def _wait(self) -> None:
            if self.look is None:
                self.look = self.loop.call_later(seconds, self._see)

        def _see(self) -> None:
            self.look = None
            if self._is_silent():
                self.transport.close()

    return Impatient
