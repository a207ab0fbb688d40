# SPDX-License-Identifier: Apache-2.0
"""Visitors: each has a folder, files that only a secret opens, and at most one job."""

import logging
import secrets
import shutil
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

from ..errors import OptionError
from .limits import Limits
from .work import Work

log = logging.getLogger(__name__)

Kind = Literal["small", "reference"]

T = TypeVar("T")


class Served(NamedTuple):
    """A file that the visitor's addresses reach."""

    path: Path
    media_type: str


class Upload(NamedTuple):
    """A picture of the visitor's."""

    id: str
    name: str
    """As the visitor calls it; never part of a path."""
    path: Path
    size: tuple[int, int]
    """`(H, W)` in pixels."""
    bytes: int


@dataclass
class Session:
    """One tab of a browser."""

    folder: Path
    token: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    uploads: dict[Kind, list[Upload]] = field(
        default_factory=lambda: {"small": [], "reference": []}
    )
    files: dict[str, Served] = field(default_factory=dict)
    """By the last part of their address."""
    work: Work[Any] | None = None
    cancelled: bool = False
    """The visitor wants no work, also none that waits for its turn."""
    run: int = 0
    seen: float = field(default_factory=time.monotonic)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def bytes(self) -> int:
        """Of all uploads."""
        return sum(upload.bytes for uploads in self.uploads.values() for upload in uploads)

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

    def remove(self, id: str) -> Kind | None:
        """Delete an upload; returns what it was, None if there is no such."""
        with self.lock:
            for kind, uploads in self.uploads.items():
                for upload in uploads:
                    if upload.id == id:
                        uploads.remove(upload)
                        upload.path.unlink(missing_ok=True)
                        self.forget(f"{id}.png")
                        return kind
        return None

    def start(self, work: Work[T]) -> Work[T]:
        """Take on some work."""
        self.work = work
        if self.cancelled:
            work.cancel()
        return work

    def cancel(self) -> None:
        """End the work, and begin none."""
        self.cancelled = True
        if self.work is not None:
            self.work.cancel()

    def close(self) -> None:
        """Stop the work and delete everything."""
        self.cancel()
        self.files.clear()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """All visitors, by the name that gradio gives to a tab, and by their secret."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder, self.limits = folder, limits
        self._by_tab: dict[str, Session] = {}
        self._by_token: dict[str, Session] = {}
        self._lock = threading.Lock()

    def enter(self, tab: str) -> Session:
        """A tab was opened: a session for it.

        Raises:
            OptionError: there are too many visitors.
        """
        with self._lock:
            if tab not in self._by_tab:
                self._leave_idle()
                if len(self._by_tab) >= self.limits.sessions:
                    raise OptionError(
                        f"as many visitors as are allowed, {len(self._by_tab)}, are here already; "
                        "try again later"
                    )
                session = Session(self.folder / secrets.token_hex(8))
                session.folder.mkdir(mode=0o700)
                self._by_tab[tab] = self._by_token[session.token] = session
                log.info("a visitor came, there are %d", len(self._by_tab))
            return self._by_tab[tab]

    def of(self, tab: str) -> Session:
        """The session of a tab.

        Raises:
            OptionError: it has none, for it said nothing for too long.
        """
        session = self._by_tab.get(tab)
        if session is None:
            raise OptionError("this page is no longer connected; reload it")
        session.seen = time.monotonic()
        return session

    def with_token(self, token: str) -> Session | None:
        """The session that a secret belongs to."""
        session = self._by_token.get(token)
        if session is not None:
            session.seen = time.monotonic()
        return session

    def touch(self, tab: str) -> None:
        """A tab is still open."""
        session = self._by_tab.get(tab)
        if session is not None:
            session.seen = time.monotonic()

    def leave(self, tab: str) -> None:
        """A tab was closed."""
        with self._lock:
            self._leave(tab)

    def close(self) -> None:
        """The server ends."""
        with self._lock:
            for tab in list(self._by_tab):
                self._leave(tab)

    def _leave(self, tab: str) -> None:
        session = self._by_tab.pop(tab, None)
        if session is not None:
            del self._by_token[session.token]
            session.close()
            log.info("a visitor left, there are %d", len(self._by_tab))

    def _leave_idle(self) -> None:
        latest = time.monotonic() - self.limits.idle_seconds
        for tab in [tab for tab, session in self._by_tab.items() if session.seen < latest]:
            self._leave(tab)
