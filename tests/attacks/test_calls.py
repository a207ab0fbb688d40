# SPDX-License-Identifier: Apache-2.0
"""Whatever the public calls are given, they answer or raise an error of this package."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from attacks.fuzz_calls import STRANGE, _fault  # noqa: E402


def test_no_other_exception() -> None:
    """In a process of its own, where no annotation is checked."""
    pytest.importorskip("pydantic", reason="configurations need the extra `train`")
    command = [sys.executable, "-m", "attacks.fuzz_calls"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.split()[0]) > 100 * len(STRANGE)


@pytest.mark.parametrize("error", [ValueError, AttributeError, KeyboardInterrupt, MemoryError])
def test_other_exceptions_are_seen(error: type[BaseException]) -> None:
    def call(value: int) -> None:
        raise error("as it is")

    told = _fault(call, {"value": 1})
    assert told is not None and told.startswith(f"{error.__name__} at test_calls.py:")
