# SPDX-License-Identifier: Apache-2.0
"""The server: gradio's page and our routes behind the guard. Imports gradio."""

import asyncio
import logging
import socket
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import uvicorn
from fastapi import FastAPI

from .guard import Guard, names_of
from .limits import Limits
from .look import look
from .page import build_page
from .routes import add_routes
from .sessions import Sessions


def build_app(sessions: Sessions, limits: Limits, host: str) -> Guard:
    """The whole application, for an ASGI server."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    add_routes(app, sessions, limits)
    gr.mount_gradio_app(
        app,
        build_page(sessions, limits),
        path="",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=1,  # no file goes through gradio
        ssr_mode=False,
        enable_monitoring=False,
        mcp_server=False,
        pwa=False,
        **look(),
    )
    return Guard(app, names_of(host), sessions.touch)


def serve(
    listener: socket.socket,
    address: str,
    folder: Path,
    host: str,
    limits: Limits,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until interrupted; then all visitors' pictures are deleted.

    Raises:
        KeyboardInterrupt: that is how it ends.
    """
    sessions = Sessions(folder, limits)
    # Its log goes where ours does; by itself Python would print what has nowhere to go, such as
    # that a page was still open in the end.
    logging.getLogger("uvicorn.error").addHandler(logging.NullHandler())
    config = uvicorn.Config(
        build_app(sessions, limits, host),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        limit_concurrency=16 * limits.sessions,
    )
    server = _Server(config, lambda: on_ready(address))
    try:
        asyncio.run(server.serve([listener]))
    finally:
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
