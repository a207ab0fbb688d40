# SPDX-License-Identifier: Apache-2.0
"""What passes between the world and the routes: the right name, the right origin, small bodies."""

import ipaddress
import logging
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .faults import OURS

log = logging.getLogger(__name__)

BODY_BYTES = 2**16
"""Of a request that is no upload."""

UPLOADS = ("/small", "/reference")

POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'self'"
)
"""Nothing may come from, or go to, another server, and no script stands in the page itself."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses what no page of ours asks for, and adds headers to what is answered.

    Args:
        app: what is guarded.
        hosts: names that the server answers to; None for any. Without this, another page in the
            visitor's browser could reach a server on loopback by a name of its own.
    """

    def __init__(self, app: ASGIApp, hosts: set[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/studio/"):
                    headers["Cache-Control"] = "private, no-store"
            await send(message)

        refusal = self._refusal(scope)
        if refusal is not None:
            await PlainTextResponse(*refusal)(scope, receive, answer)
            return
        try:
            await self.app(scope, receive, answer)
        except Exception as error:
            number = secrets.token_hex(4)
            log.error("fault %s", number, exc_info=error)
            if not begun:
                await JSONResponse({"message": OURS, "id": number}, 500)(scope, receive, answer)

    def _refusal(self, scope: Scope) -> tuple[str, int] | None:
        headers, path = Headers(scope=scope), scope["path"]
        host = headers.get("host", "")
        if self.hosts is not None and host_of(host) not in self.hosts:
            return "this server does not answer to that name", 421
        origin = headers.get("origin")
        if origin is not None and origin.rpartition("://")[2].lower() != host.lower():
            return "other pages have no business here", 403
        if ".." in path or "\\" in path or "//" in path:
            return "not found", 404
        length = headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18:
            return "the length is no number", 400
        upload = scope["method"] == "POST" and path.endswith(UPLOADS)
        if not upload and ("transfer-encoding" in headers or int(length) > BODY_BYTES):
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
