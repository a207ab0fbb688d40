# SPDX-License-Identifier: Apache-2.0
"""Every hostile file of `attacks/` gets the error it deserves, and so do some that are made up."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {"weights": 40, "references": 20, "configurations": 20}


def fuzzed(kind, *words):
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(ROOT / "attacks/fuzz.py"), kind, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_and_mutated_files(kind):
    done = fuzzed(kind, "--count", "60", "--seed", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["attacks"] >= KINDS[kind]
    assert report["mutants"] == 60
    assert report["faults"] == 0


def test_a_fault_is_found(tmp_path):
    """A reader that lets another exception through fails the run."""
    sys.path.insert(0, str(ROOT / "attacks"))
    try:
        import fuzz
    finally:
        sys.path.remove(str(ROOT / "attacks"))

    def careless(path):
        raise KeyError(path)

    found = fuzz.tried(careless, tmp_path)
    assert found.startswith("KeyError at ")
    assert fuzz.tried(lambda path: None, tmp_path) == "read"
