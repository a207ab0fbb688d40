# SPDX-License-Identifier: Apache-2.0
"""What a measurement was made on, and the memory of this process."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

import searchtransfer
from searchtransfer.operators.backends import native


def machine(threads: int) -> dict[str, Any]:
    """Processor, threads, versions."""
    cpu = Path("/proc/cpuinfo")
    model = [x for x in cpu.read_text().splitlines() if "model name" in x] if cpu.exists() else []
    return {
        "cpu": model[0].split(":")[1].strip() if model else platform.processor(),
        "processors": os.cpu_count(),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "searchtransfer": searchtransfer.__version__,
        "torch": torch.__version__,
        "faiss": version("faiss-cpu"),
        "instruction_sets": native.instruction_sets(),
    }


def version(package: str) -> str | None:
    """None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def peak_mib() -> int:
    """Peak resident memory of this process so far.

    Not getrusage: that counts the parent process, until this one became its own program.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
