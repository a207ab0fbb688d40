# SPDX-License-Identifier: Apache-2.0
"""From a host and a port to a running server."""

import errno
import gc
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import MissingExtraError, OptionError
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
        MissingExtraError: gradio is not installed, or does not work.
        OptionError: the host or port cannot be used.
    """
    limits = limits or Limits()
    with (
        listen(host, port) as listener,
        tempfile.TemporaryDirectory(
            prefix="searchtransfer-studio-", ignore_cleanup_errors=True
        ) as folder,
        listening(),
    ):
        # Gradio reads these when it is imported: no analytics, no version check, no other folder.
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        os.environ["GRADIO_TEMP_DIR"] = str(Path(folder, "gradio"))
        with _collecting_no_garbage():
            try:
                import gradio  # noqa: F401
            # An optional package may fail in any way.
            except Exception as error:
                raise MissingExtraError(
                    f"studio: the page is made with gradio, which cannot be used here ({error}); "
                    "install it with: pip install 'searchtransfer[studio]'"
                ) from error
            from .server import serve

        serve(listener, address_of(host, listener), Path(folder), host, limits, on_ready)


@contextmanager
def _collecting_no_garbage() -> Iterator[None]:
    """While large packages are imported, the search for garbage takes a second and finds none."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


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
