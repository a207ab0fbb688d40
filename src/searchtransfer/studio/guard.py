# SPDX-License-Identifier: Apache-2.0
"""What passes between the world and gradio: the routes that the page needs, no others."""

import ipaddress
from collections.abc import Callable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGES = {
    "/",
    "/config",
    "/theme.css",
    "/favicon.ico",
    "/manifest.json",
    "/gradio_api/queue/join",
    "/gradio_api/queue/data",
    "/gradio_api/cancel",
    "/gradio_api/startup-events",
}
FOLDERS = ("/assets/", "/static/", "/svelte/", "/studio/", "/gradio_api/heartbeat/")
HEARTBEAT = "/gradio_api/heartbeat/"

BODY_BYTES = 2**20
"""Of a request that is no upload."""

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; font-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
"""Gradio needs inline scripts and `eval`; nothing may come from, or go to, another server."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """Refuses what the page does not need, and adds headers to what it does.

    Args:
        app: what is guarded.
        hosts: names that the server answers to; None for any. Without this, another page in the
            visitor's browser could reach a server on loopback by a name of its own.
        heartbeat: called with the tab, as long as it is open.
    """

    def __init__(
        self, app: ASGIApp, hosts: set[str] | None, heartbeat: Callable[[str], None]
    ) -> None:
        self.app, self.hosts, self.heartbeat = app, hosts, heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(*refusal)(scope, receive, send)
            return
        path = scope["path"]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if path.startswith("/studio/"):
                    headers["Cache-Control"] = "private, no-store"
            elif path.startswith(HEARTBEAT):
                self.heartbeat(path.removeprefix(HEARTBEAT))
            await send(message)

        await self.app(scope, receive, answer)

    def _refusal(self, scope: Scope) -> tuple[str, int] | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self.hosts is not None and host_of(headers.get("host", "")) not in self.hosts:
            return "this server does not answer to that name", 421
        if path not in PAGES and not path.startswith(FOLDERS):
            return "not found", 404
        if ".." in path or "\\" in path or "//" in path:
            return "not found", 404
        length = headers.get("content-length", "0")
        if not path.startswith("/studio/") and (
            "transfer-encoding" in headers or not length.isdecimal() or int(length) > BODY_BYTES
        ):
            return "too large", 413
        return None


def host_of(header: str) -> str:
    """The host of a Host header, without its port."""
    host = header.rpartition(":")[0] if not header.endswith("]") and ":" in header else header
    return host.strip("[]").lower()


def names_of(host: str) -> set[str] | None:
    """The names that a server on some address answers to; None for any, where it is exposed."""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host.lower() == "localhost"
    return {"localhost", "127.0.0.1", "::1", host.lower()} if loopback else None
