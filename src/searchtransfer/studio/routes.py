# SPDX-License-Identifier: Apache-2.0
"""The three routes that files take: in, out, and away."""

import urllib.parse
from typing import Literal

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from . import fragments, uploads
from .faults import explain
from .limits import Limits
from .sessions import Kind, Sessions

LONGEST_NAME = 120

INSPECTOR_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-scripts"
)
"""Of a page inside the page: it runs, but reaches nothing, not even the page around it."""


def add_routes(app: FastAPI, sessions: Sessions, limits: Limits) -> None:
    """Add the routes. Addresses hold the session's secret; whoever has it is the visitor."""

    @app.get("/studio/{token}/{key}")
    def send(token: str, key: str) -> Response:
        session = sessions.with_token(token)
        served = None if session is None else session.files.get(key)
        if served is None or not served.path.is_file():
            return JSONResponse({"message": "there is no such picture"}, 404)
        response = FileResponse(served.path, media_type=served.media_type)
        if served.media_type == "text/html":
            response.headers["Content-Security-Policy"] = INSPECTOR_POLICY
        return response

    @app.post("/studio/{token}/{kind}")
    async def take(
        token: str, kind: Literal["small", "reference"], request: Request
    ) -> JSONResponse:
        session = sessions.with_token(token)
        if session is None:
            return JSONResponse({"message": _GONE}, 404)
        name = _name(request.headers.get("x-name", ""))
        try:
            path = await uploads.receive(session, kind, request.stream(), limits)
            await run_in_threadpool(uploads.admit, session, kind, path, name, limits)
        except Exception as error:
            fault = explain(error, {})
            return JSONResponse({"message": fault.message, "id": fault.id}, 422)
        return JSONResponse({"files": fragments.files(session, kind)})

    @app.delete("/studio/{token}/{id}")
    def remove(token: str, id: str) -> JSONResponse:
        session = sessions.with_token(token)
        if session is None:
            return JSONResponse({"message": _GONE}, 404)
        kind: Kind | None = session.remove(id)
        if kind is None:
            return JSONResponse({"message": "there is no such picture"}, 404)
        return JSONResponse({"files": fragments.files(session, kind)})


_GONE = "This page is no longer connected; reload it."


def _name(header: str) -> str:
    """A file name for eyes only: one line, printable, not too long."""
    name = urllib.parse.unquote(header, errors="replace")
    name = "".join(x if x.isprintable() else "\N{REPLACEMENT CHARACTER}" for x in name)
    return name[:LONGEST_NAME] or "unnamed"
