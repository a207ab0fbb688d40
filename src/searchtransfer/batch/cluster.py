# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster: found at once or not at all, or one of this machine, for as long as it is used."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import BackendError, MissingExtraError, OptionError
from ..foreign import short

SECONDS = 5.0
"""That a cluster may take to answer."""


def ray_library() -> Any:
    """Ray, with Ray Data.

    Raises:
        MissingExtraError: it is not installed, or does not work.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise MissingExtraError(
            f"--engine ray needs Ray Data ({error}); install it with: "
            "pip install 'searchtransfer[ray]'"
        ) from error
    return ray


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Any]:
    """Ray, connected to a cluster.

    Args:
        address: `HOST:PORT`, `ray://HOST:PORT`, or `auto`; None: a cluster of this machine is
            started, and ended.
        workers: of a cluster that is started; None: as many as there are processors.

    Raises:
        OptionError: this is no address.
        BackendError: there is no cluster, or it refuses.
        MissingExtraError: Ray is not installed.
    """
    if address is not None and address != "auto":
        _knock(address)
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised as well
    ray = ray_library()
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        options |= {"num_cpus": workers or os.cpu_count(), "include_dashboard": False}
    if ray.is_initialized():
        raise BackendError("--engine ray: this process is connected to a cluster already")
    try:
        ray.init(address="local" if address is None else address, **options)
    except Exception as error:  # of many kinds, by the reason
        raise BackendError(
            f"--engine ray: cannot use the cluster at {address or 'this machine'}: "
            f"{short(str(error), 300)}"
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise unless somebody listens at an address; Ray itself asks for half a minute."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 65536):
        raise OptionError(
            f"--address must be HOST:PORT (6379 unless told otherwise), ray://HOST:PORT or auto, "
            f"got {address!r}"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS).close()
    except OSError as error:
        raise BackendError(
            f"--engine ray: the cluster at {address} cannot be reached "
            f"({error.strerror or error}); is it running (ray status), and the port open? Without "
            "--address, this machine alone works"
        ) from None
