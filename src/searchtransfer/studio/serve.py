# SPDX-License-Identifier: Apache-2.0
"""From a host and a port to a running server."""

import errno
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import MissingExtraError, OptionError
from ..process.signals import SIGNALS, answered
from .folder import studio_folder, temporary_files_in
from .limits import Limits
from .notes import listening

log = logging.getLogger(__name__)

PORT = 7860
"""The first that is tried."""

TRIES = 100


def run_studio(
    host: str = "127.0.0.1",
    port: int | None = None,
    *,
    limits: Limits | None = None,
    on_ready: Callable[[str], None] = lambda address: None,
) -> None:
    """Serve the studio until the process is interrupted.

    Args:
        host: address to listen at; loopback unless others are to reach it.
        port: None for the first free one from 7860 on.
        limits: how much visitors may ask for.
        on_ready: called with the address of the page as soon as it answers.

    Raises:
        MissingExtraError: starlette or uvicorn is not installed, or does not work.
        OptionError: the host or port cannot be used.
    """
    limits = limits or Limits()
    with (
        listen(host, port) as listener,
        _ended_by_signals(),
        studio_folder() as folder,
        temporary_files_in(folder),
        listening(),
    ):
        try:
            from .server import serve
        # An optional package may fail in any way.
        except Exception as error:
            raise MissingExtraError(
                f"studio: the page is served with starlette and uvicorn, which cannot be used here "
                f"({error}); install them with: pip install 'searchtransfer[studio]'"
            ) from error
        serve(listener, address_of(host, listener), folder, host, limits, on_ready)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end the studio as Ctrl-C does, so that everything is deleted.

    Those that come meanwhile change nothing: the deletion is not broken off.
    """

    def end(number: int, frame: FrameType | None) -> None:
        for each in SIGNALS:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    with answered(end):
        yield


def listen(host: str, port: int | None) -> socket.socket:
    """A socket that listens, so that nobody can take the port meanwhile.

    Raises:
        OptionError: the address cannot be used, or the port is taken.
    """
    if port is not None and not 0 <= port < 65536:
        raise OptionError(f"port must be from 0 to 65535, got {port}")
    for candidate in [port] if port is not None else range(PORT, PORT + TRIES):
        try:
            family, _, _, _, where = socket.getaddrinfo(host, candidate, type=socket.SOCK_STREAM)[0]
        except OSError as error:
            raise OptionError(f"host {host!r} cannot be used ({error.strerror or error})") from None
        listener = socket.socket(family)
        try:
            if os.name == "posix":
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(128)
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRINUSE and port is None:
                continue
            hint = "; choose another one, or none for any that is free"
            raise OptionError(
                f"port {candidate} of {host} cannot be used ({error.strerror}){hint}"
            ) from None
        return listener
    raise OptionError(f"ports {PORT} to {PORT + TRIES - 1} of {host} are all taken; choose another")


def address_of(host: str, listener: socket.socket) -> str:
    """The address of the page, as one types it into a browser."""
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    name = f"[{name}]" if ":" in name else name
    return f"http://{name}:{listener.getsockname()[1]}/"
