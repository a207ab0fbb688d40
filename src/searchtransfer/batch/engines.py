# SPDX-License-Identifier: Apache-2.0
"""Engines by their names."""

from typing import Literal

from ..errors import OptionError
from .here import here
from .on_ray import on_ray
from .processes import processes
from .run import Engine


def engine_for(
    name: Literal["local", "ray"],
    jobs: int | None = None,
    workers: int | None = None,
    address: str | None = None,
) -> Engine:
    """The engine that somebody asks for.

    Args:
        name: "local", this machine; "ray", a cluster.
        jobs: processes of "local", 1 if nothing is said.
        workers: of "ray".
        address: of the cluster; None: one is started here.

    Raises:
        OptionError: a number is below 1, or an option is not of this engine.
    """
    if name == "ray":
        if jobs is not None:
            raise OptionError("--jobs is of --engine local; with ray, say --workers")
        return on_ray(address, workers)
    if workers is not None or address is not None:
        option = "--workers" if workers is not None else "--address"
        raise OptionError(f"{option} is of --engine ray; on this machine, say --jobs")
    return here if jobs is None or jobs == 1 else processes(jobs)
