# SPDX-License-Identifier: Apache-2.0
"""Every hostile file is answered in words, within memory and time."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from attacks.fuzz_images import fuzz  # noqa: E402
from attacks.images import ATTACKS  # noqa: E402

MEBIBYTES, SECONDS = 1024, 100


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What is said of each file, all read in one process with limits."""
    folder = tmp_path_factory.mktemp("attacks")
    paths = []
    for title, attack in ATTACKS.items():
        path = folder / title / attack.name
        path.parent.mkdir()
        path.write_bytes(attack.make())
        paths.append(path)
    command = [sys.executable, "-m", "attacks.limited", str(MEBIBYTES), str(SECONDS)]
    done = subprocess.run([*command, *paths], capture_output=True, text=True, cwd=ROOT)
    lines = done.stdout.splitlines()
    assert len(lines) == len(paths), (paths[len(lines)], done.returncode, done.stderr[-2000:])
    return dict(zip(ATTACKS, lines, strict=True))


@pytest.mark.parametrize("title", ATTACKS)
def test_is_answered(answers, title):
    expected, said = ATTACKS[title].expected, answers[title]
    if expected is None:
        assert said.startswith("read "), said
    else:
        assert said.startswith("ImageFileError") and re.search(expected, said), said


def test_every_file_is_small():
    assert max(len(attack.make()) for attack in ATTACKS.values()) < 1_100_000


def test_mutated_files_give_errors_of_this_package_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    assert fuzz(100, 1, tmp_path) == []
