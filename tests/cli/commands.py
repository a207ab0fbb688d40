# SPDX-License-Identifier: Apache-2.0
"""Running the command line, in this process and in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner, Result

from searchtransfer.cli import app

SOURCE = Path(__file__).parents[2] / "src"


def command(*arguments: object, given: bytes = b"") -> Result:
    """Run in this process: quick, but without the process's own streams and signals."""
    words = [str(x) for x in arguments]
    return CliRunner().invoke(app, words, input=given, env={"TERMINAL_WIDTH": "300"})


def arguments(*rest: object) -> list[str]:
    return [sys.executable, "-m", "searchtransfer", *(os.fspath(x) for x in rest)]


def environment(**extra: str) -> dict[str, str]:
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"} | extra


def process(*rest: object, **extra: str) -> subprocess.CompletedProcess[bytes]:
    """Run as users do."""
    return subprocess.run(
        arguments(*rest), capture_output=True, env=environment(**extra), check=False, timeout=120
    )
