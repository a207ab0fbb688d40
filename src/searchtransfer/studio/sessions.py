# SPDX-License-Identifier: Apache-2.0
"""Visitors: each has a folder, files that only a secret opens, and at most one job."""

import logging
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from ..errors import OptionError
from .folder import delete
from .limits import Limits
from .orders import Settings, Upload
from .storage import Storage
from .workshop import Job

log = logging.getLogger(__name__)

Kind = Literal["small", "reference"]


class Served(NamedTuple):
    """A file that the visitor's addresses reach."""

    path: Path
    media_type: str


@dataclass
class Session:
    """One tab of a browser."""

    folder: Path
    storage: Storage
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    uploads: dict[Kind, list[Upload]] = field(
        default_factory=lambda: {"small": [], "reference": []}
    )
    arriving: dict[Kind, int] = field(default_factory=lambda: {"small": 0, "reference": 0})
    """Uploads on their way."""
    files: dict[str, Served] = field(default_factory=dict)
    """By the last part of their address."""
    settings: Settings = field(default_factory=Settings)
    change: int = 0
    """Number that the page gave to the choices."""
    job: Job | None = None
    """The latest one."""
    runs: int = 0
    connections: int = 0
    """Pages that listen."""
    seen: float = field(default_factory=time.monotonic)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def address(self, key: str) -> str:
        """Of one of the files."""
        return f"/studio/{self.token}/{key}"

    def serve(self, key: str, path: Path, media_type: str = "image/png") -> str:
        """Let an address reach a file; returns the address."""
        self.files[key] = Served(path, media_type)
        return self.address(key)

    def forget(self, key: str) -> None:
        """Delete one of the files."""
        served = self.files.pop(key, None)
        if served is not None:
            served.path.unlink(missing_ok=True)

    def keep(self, kind: Kind, upload: Upload, thumbnail: Path, *, replace: bool) -> None:
        """Count a file as one of the pictures, or put it in place of all that are there."""
        with self.lock:
            if replace:
                for other in list(self.uploads[kind]):
                    self.remove(other.id)
            self.uploads[kind].append(upload)
            self.serve(f"{upload.id}.png", thumbnail)

    def remove(self, id: str) -> Kind | None:
        """Delete an upload; returns what it was, None if there is no such."""
        with self.lock:
            for kind, uploads in self.uploads.items():
                for upload in uploads:
                    if upload.id == id:
                        uploads.remove(upload)
                        Path(upload.path).unlink(missing_ok=True)
                        self.storage.give(upload.bytes)
                        self.forget(f"{id}.png")
                        return kind
        return None

    def new_run(self) -> Path:
        """A folder for all that the next job makes."""
        self.runs += 1
        folder = self.folder / f"run-{self.runs}"
        folder.mkdir()
        return folder

    def begin(self, job: Job) -> None:
        """Take on a job; what is left of the one before goes."""
        with self.lock:
            for key in [key for key in self.files if key.startswith("run-")]:
                del self.files[key]
            if self.job is not None:
                delete(self.job.folder)
            self.job = job

    def settle(self, settings: Settings, change: int) -> None:
        """Take choices over, unless later ones have overtaken them."""
        with self.lock:
            if change >= self.change:
                self.settings, self.change = settings, change

    def cancel(self) -> None:
        """End the job."""
        if self.job is not None:
            self.job.cancel()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """While a page listens."""
        with self.lock:
            self.connections += 1
        try:
            yield
        finally:
            with self.lock:
                self.connections -= 1
                self.seen = time.monotonic()

    def close(self) -> None:
        """Stop the work and delete everything."""
        self.cancel()
        if self.job is not None:
            self.job.done.wait(5)  # or it would write into the folder again
        with self.lock:
            self.job = None
            self.files.clear()
            for uploads in self.uploads.values():
                uploads.clear()
            self.storage.close()
        delete(self.folder)


class Sessions:
    """All visitors, by their secret."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self.storage = Storage(limits.all_bytes)
        self._by_token: dict[str, Session] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def enter(self) -> Session:
        """A page was opened: a session for it.

        Raises:
            OptionError: there are too many visitors.
        """
        self.leave_idle()
        with self._lock:
            if len(self._by_token) >= self.limits.sessions:
                raise OptionError(
                    f"as many visitors as are allowed, {len(self._by_token)}, are here already; "
                    "try again later"
                )
            storage = Storage(self.limits.session_bytes, self.storage)
            session = Session(self.folder / secrets.token_hex(8), storage)
            session.folder.mkdir(mode=0o700)
            self._by_token[session.token] = session
            log.info("a visitor came, there are %d", len(self._by_token))
            return session

    def of(self, token: str) -> Session | None:
        """The session that a secret belongs to."""
        session = self._by_token.get(token)
        if session is not None:
            session.seen = time.monotonic()
        return session

    def leave(self, token: str) -> None:
        """A page was closed."""
        with self._lock:
            session = self._by_token.pop(token, None)
            left = len(self._by_token)
        if session is not None:
            session.close()
            log.info("a visitor left, there are %d", left)

    def leave_idle(self) -> None:
        """Whoever is away, or says nothing for too long, leaves."""
        now = time.monotonic()
        for token, session in list(self._by_token.items()):
            working = session.job is not None and not session.job.done.is_set()
            patience = self.limits.idle_seconds if session.connections else self.limits.away_seconds
            if now - session.seen > patience and not (working and session.connections):
                self.leave(token)

    def watch(self) -> None:
        """See to it once a second until `close`."""
        while not self._closed.wait(1):
            self.leave_idle()

    def close(self) -> None:
        """The server ends."""
        self._closed.set()
        for token in list(self._by_token):
            self.leave(token)
