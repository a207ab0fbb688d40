# SPDX-License-Identifier: Apache-2.0
"""Odd environments: no home, another locale, optimised bytecode, a folder that is gone."""

import subprocess
import sys

import pytest
from cli.commands import arguments, environment
from scenes import scene, tree

from searchtransfer.images import read_image


@pytest.mark.parametrize(
    "odd",
    [
        {"HOME": "/nowhere", "XDG_CACHE_HOME": "/nowhere"},
        {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "1"},
        {"PYTHONOPTIMIZE": "2"},
    ],
    ids=lambda odd: next(iter(odd)),
)
def test_odd_environments(tmp_path, odd):
    lr, ref = scene(tmp_path)
    lr = lr.rename(tmp_path / "höhe.png")
    done = subprocess.run(
        arguments("upscale", lr, "-r", ref, "-o", tmp_path / "out.png"),
        capture_output=True,
        env=environment(**odd),
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert read_image(tmp_path / "out.png").size == (24, 32)


def test_arguments_are_checked_without_asserts(tmp_path):
    lr, ref = scene(tmp_path)
    for words in (["-s", "5"], ["-t", "-1"], ["--quality", "0"], ["-n", "none"]):
        done = subprocess.run(
            [sys.executable, "-O", *arguments("upscale", lr, "-r", ref, *words)[1:]],
            capture_output=True,
            env=environment(),
            check=False,
            timeout=120,
        )
        assert done.returncode == 2, words
    assert tree(tmp_path) == ["lr.png", "ref.png"]
