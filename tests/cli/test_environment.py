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


WITHOUT_ASSERTS = """
import sys
from searchtransfer.cli import app
for words in (["-s", "0"], ["-t", "-1"], ["--quality", "0"], ["-n", "none"]):
    try:
        app(["upscale", *sys.argv[1:], *words])
    except SystemExit as end:
        print(end.code)
"""
"""One process for all: nothing is compiled for -O yet, torch neither."""


def test_arguments_are_checked_without_asserts(tmp_path):
    lr, ref = scene(tmp_path)
    done = subprocess.run(
        [sys.executable, "-O", "-c", WITHOUT_ASSERTS, lr, "-r", ref],
        capture_output=True,
        env=environment(),
        check=False,
        timeout=600,
    )
    assert done.stdout.split() == [b"2"] * 4, done.stderr
    assert tree(tmp_path) == ["lr.png", "ref.png"]
