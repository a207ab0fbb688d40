# SPDX-License-Identifier: Apache-2.0
"""Several processes on this machine, each of which trains a share of every batch."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import psutil  # type: ignore[import-untyped]

from ..errors import ConfigError
from ..process.signals import answered

_LAUNCHER = "SEARCHTRANSFER_LAUNCHER"
_PAUSE = 0.5  # seconds
_RANKS = ("RANK", "WORLD_SIZE", "PMI_RANK", "OMPI_COMM_WORLD_RANK")


def launch(processes: int, words: Sequence[str]) -> int:
    """Run `searchtransfer train` in several processes, by way of torch's own launcher.

    Ctrl-C, SIGTERM and SIGHUP reach each process once, which ends it after its present step; so
    does the end of this process, however it ends (see `follow_the_launcher`).

    Args:
        processes: how many.
        words: what follows `train` on the command line.

    Returns:
        0, 130 if it was stopped, else 1.
    """
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", "-m", "searchtransfer.cli", "train", *words]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MASTER_")}
    environment[_LAUNCHER] = f"{os.getpid()} {psutil.Process().create_time()}"
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // processes)))
    # In a session of its own, else a terminal would send each process a second Ctrl-C.
    running = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    stopped = False

    def stop(number: int, frame: Any) -> None:
        nonlocal stopped
        stopped = True
        running.terminate()

    with answered(stop):
        code = running.wait()
    return 130 if stopped else min(1, abs(code))


def follow_the_launcher(environment: Mapping[str, str] = os.environ) -> None:
    """In a process that `launch` started: stop, as by SIGTERM, once the launcher is gone.

    It cannot say so itself where it was killed, and its processes would train on for nobody.
    """
    if _LAUNCHER not in environment:
        return
    number, created = environment[_LAUNCHER].split()
    parent = os.getppid()

    def lives() -> bool:
        try:
            launcher = psutil.Process(int(number))
            running = launcher.status() != psutil.STATUS_ZOMBIE
            return bool(running and launcher.create_time() == float(created))
        except psutil.NoSuchProcess:
            return False

    def watch() -> None:
        while lives() and os.getppid() == parent:
            time.sleep(_PAUSE)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def asked_of_accelerate(environment: Mapping[str, str] = os.environ) -> int:
    """How many processes `accelerate launch` was told to start, where it has started one only.

    With `--cpu` it starts one process, whatever number is asked for, unless MPI is set up; it only
    leaves an address to meet at behind. The number is in its own command line.

    Raises:
        ConfigError: several were asked for, but the number cannot be found.
    """
    if "MASTER_ADDR" not in environment or any(name in environment for name in _RANKS):
        return 1
    parent = psutil.Process().parent()
    words = parent.cmdline() if parent is not None else []
    for word, following in zip(words, [*words[1:], ""], strict=True):
        name, _, value = word.replace("-", "_").partition("=")
        if name == "__num_processes" and (value or following).isdecimal():
            return int(value or following)
    raise ConfigError(
        "`accelerate launch --cpu` started one process, though more were asked for; "
        "use `searchtransfer train CONFIG --processes N` instead"
    )
