# SPDX-License-Identifier: Apache-2.0
"""A Ray cluster: found at once or not at all, or one of this machine, for as long as it is used."""

import contextlib
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BackendError, MissingExtraError, OptionError
from ..foreign import short
from .knock import refusal

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
        raise _missing(error) from error
    return ray


def _missing(error: ImportError) -> MissingExtraError:
    return MissingExtraError(
        f"--engine ray needs Ray Data ({error}); install it with: pip install 'searchtransfer[ray]'"
    )


def check(address: str | None) -> None:
    """Raise unless a cluster answers, and takes us; Ray itself asks for half a minute.

    Args:
        address: as of `connected`.

    Raises:
        OptionError: this is no address.
        BackendError: there is no cluster, or it refuses.
        MissingExtraError: Ray is not installed.
    """
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised as well
    known = _latest() if address == "auto" else address
    if known is not None:
        _knock(known)


@contextmanager
def connected(address: str | None, workers: int | None) -> Iterator[Any]:
    """Ray, connected to a cluster.

    Args:
        address: `HOST:PORT`, or `auto`; None: a cluster of this machine is started, and ended.
        workers: of a cluster that is started; None: as many as there are processors.

    Raises:
        OptionError: this is no address.
        BackendError: there is no cluster, or it refuses.
        MissingExtraError: Ray is not installed.
    """
    check(address)
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


def _latest() -> str | None:
    """The cluster that "auto" means, where Ray has noted one; it may be gone since."""
    if told := os.environ.get("RAY_ADDRESS", "").strip():
        return told
    with contextlib.suppress(OSError):
        path = Path(os.environ.get("RAY_TMPDIR", "/tmp"), "ray", "ray_current_cluster")  # noqa: S108
        return path.read_text("utf-8").strip() or None
    return None


def _knock(address: str) -> None:
    if address.startswith("ray://"):
        raise OptionError(
            "--address must be HOST:PORT (6379 unless told otherwise) or auto, of a cluster that "
            f"this machine is part of: Ray Data cannot be used from afar, got {address!r}; from "
            "there submit the command itself (ray job submit), with --address auto"
        )
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isdecimal() and int(port) < 65536):
        raise OptionError(
            f"--address must be HOST:PORT (6379 unless told otherwise) or auto, got {address!r}"
        )
    try:
        why = refusal(host.strip("[]"), int(port), SECONDS)
    except ImportError as error:
        raise _missing(error) from error
    if why is not None:
        raise BackendError(f"--engine ray: the cluster at {address} {why}")
