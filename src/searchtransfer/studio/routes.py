# SPDX-License-Identifier: Apache-2.0
"""The addresses of the studio. Those of a visitor hold a secret; whoever has it is the visitor."""

import asyncio
import json
import urllib.parse
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..errors import SearchTransferError
from ..models.pretrained import LOOKS
from ..references import SCALES
from . import downloads, uploads, view
from .faults import explain
from .folder import delete
from .limits import Limits
from .orders import BEST, Settings, held, order_of
from .sessions import Kind, Session, Sessions
from .workshop import Job, Workshop

LONGEST_NAME = 120

REFRESH_SECONDS = 0.2
"""Between two looks at what has changed on a page."""

STATIC = {
    "studio.js": "text/javascript",
    "drop.js": "text/javascript",
    "compare.js": "text/javascript",
    "studio.css": "text/css",
    "favicon.svg": "image/svg+xml",
}

INSPECTOR_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; frame-ancestors 'self'; sandbox allow-scripts"
)
"""Of a page inside the page: it runs, but reaches nothing, not even the page around it."""

GONE = "This page is no longer connected; reload it."


def routes(sessions: Sessions, workshop: Workshop, limits: Limits) -> list[Route]:
    """All of them."""
    decoding = asyncio.Lock()
    static = files("searchtransfer.studio") / "static"

    def page(request: Request) -> Response:
        return Response((static / "page.html").read_bytes(), media_type="text/html")

    def asset(request: Request) -> Response:
        name = request.path_params.get("name", "favicon.svg")
        if name not in STATIC:
            return _no("there is no such file")
        headers = {"Cache-Control": "no-cache"}
        return Response((static / name).read_bytes(), media_type=STATIC[name], headers=headers)

    def enter(request: Request) -> Response:
        try:
            return JSONResponse({"token": sessions.enter().token})
        except Exception as error:
            return _fault(error, 503)

    def of_visitor(
        answer: Callable[[Session, Request], Any],
    ) -> Callable[[Request], Any]:
        async def checked(request: Request) -> Response:
            session = sessions.of(request.path_params["token"])
            if session is None:
                return _no(GONE)
            try:
                return cast(Response, await answer(session, request))
            except ClientDisconnect:
                return _no("the upload was broken off", 400)
            except Exception as error:
                if session.storage.closed:  # the visitor left meanwhile
                    return _no(GONE)
                names = {} if session.job is None else session.job.order.names
                return _fault(error, 422, names)

        return checked

    async def events(session: Session, request: Request) -> Response:
        return StreamingResponse(
            _changes(session, workshop, limits), media_type="text/event-stream"
        )

    async def take(session: Session, request: Request) -> Response:
        kind = cast(Kind, request.url.path.rpartition("/")[2])
        name = _name(request.headers.get("x-name", ""))
        more = kind == "reference" or request.headers.get("x-more") == "1"
        length = request.headers.get("content-length")
        declared = int(length) if length else None
        received = await uploads.receive(session, kind, request.stream(), limits, declared, name)
        async with decoding:
            await run_in_threadpool(
                uploads.admit, session, kind, received, name, limits, replace=not more
            )
        return JSONResponse({})

    async def remove(session: Session, request: Request) -> Response:
        if session.remove(request.path_params["key"]) is None:
            return _no("there is no such picture")
        return JSONResponse({})

    async def example(session: Session, request: Request) -> Response:
        async with decoding:
            await run_in_threadpool(uploads.use_example, session, limits)
        session.settle(replace(session.settings, reduce=True), session.change)
        return JSONResponse({})

    async def settle(session: Session, request: Request) -> Response:
        try:
            async with asyncio.timeout(limits.stall_seconds):
                body = await request.body()
        except TimeoutError:
            return _no("the choices did not arrive in time", 408)
        session.settle(*_settings(body, session.change))
        return JSONResponse({})

    async def start(session: Session, request: Request) -> Response:
        with session.lock:
            if session.job is not None and not session.job.done.is_set():
                return _no("a job of yours is running already", 409)
            small, references = session.uploads["small"], session.uploads["reference"]
            order = order_of(small, references, session.settings, limits)
            folder = session.new_run()
            job = Job(held(order, folder), session.settings, folder, session.runs)
            try:
                workshop.begin(job)
            except SearchTransferError:
                delete(folder)
                raise
            session.begin(job)
        return JSONResponse({})

    async def cancel(session: Session, request: Request) -> Response:
        session.cancel()
        return JSONResponse({})

    async def send(session: Session, request: Request) -> Response:
        key = request.path_params["key"]
        served = await run_in_threadpool(downloads.find, session, key)
        if served is None:
            async with decoding:
                served = await run_in_threadpool(downloads.make, session, key)
        if served is None:
            return _no("there is no such picture")
        response = FileResponse(served.path, media_type=served.media_type)
        if served.media_type == "text/html":
            response.headers["Content-Security-Policy"] = INSPECTOR_POLICY
        return response

    visitor = "/studio/{token}"
    return [
        Route("/", page),
        Route("/favicon.ico", asset),
        Route("/static/{name}", asset),
        Route("/studio/enter", enter, methods=["POST"]),
        Route(f"{visitor}/events", of_visitor(events)),
        Route(f"{visitor}/small", of_visitor(take), methods=["POST"]),
        Route(f"{visitor}/reference", of_visitor(take), methods=["POST"]),
        Route(f"{visitor}/example", of_visitor(example), methods=["POST"]),
        Route(f"{visitor}/settings", of_visitor(settle), methods=["POST"]),
        Route(f"{visitor}/start", of_visitor(start), methods=["POST"]),
        Route(f"{visitor}/cancel", of_visitor(cancel), methods=["POST"]),
        Route(f"{visitor}/{{key}}", of_visitor(remove), methods=["DELETE"]),
        Route(f"{visitor}/{{key}}", of_visitor(send), methods=["GET"]),
    ]


async def _changes(session: Session, workshop: Workshop, limits: Limits) -> AsyncIterator[str]:
    """What a page shows, piece by piece as it changes, while the page listens."""
    shown: dict[str, Any] = {}
    with session.connected():
        quiet = 0
        while not session.storage.closed:
            pieces = view.pieces(session, workshop, limits)
            changed = {name: x for name, x in pieces.items() if shown.get(name, ...) != x}
            shown = pieces
            quiet += 1
            if changed:
                yield f"data: {json.dumps(changed)}\n\n"
                quiet = 0
            elif quiet * REFRESH_SECONDS > 5:  # so that a broken connection is noticed
                yield ": still here\n\n"
                quiet = 0
            await asyncio.sleep(REFRESH_SECONDS)


def _settings(body: bytes, change: int) -> tuple[Settings, int]:
    """What the page says is chosen, and its number; nonsense is what was there at first."""
    try:
        value = json.loads(body)
        model, scale, reduce = value["model"], value["scale"], value["reduce"]
        look = value.get("look")
    except (ValueError, TypeError, KeyError, RecursionError):
        return Settings(), change
    if not isinstance(model, str) or len(model) > LONGEST_NAME:
        model = BEST
    scale = scale if isinstance(scale, int) and scale in SCALES else 4
    given = value.get("change")
    change = given if isinstance(given, int) and 0 <= given < 2**31 else change
    return Settings(model, scale, reduce is True, look if look in LOOKS else LOOKS[0]), change


def _no(message: str, status: int = 404) -> JSONResponse:
    return JSONResponse({"message": message}, status)


def _fault(error: Exception, status: int, names: dict[str, str] | None = None) -> JSONResponse:
    fault = explain(error, names or {})
    return JSONResponse({"message": fault.message, "id": fault.id}, 500 if fault.id else status)


def _name(header: str) -> str:
    """A file name for eyes only: one line, printable, not too long."""
    name = urllib.parse.unquote(header, errors="replace")
    name = "".join(x if x.isprintable() else "\N{REPLACEMENT CHARACTER}" for x in name)
    return name[:LONGEST_NAME] or "unnamed"
