# SPDX-License-Identifier: Apache-2.0
"""The sdist and the wheel that is built of it hold what they should, and the wheel runs.

They are built for real, by setuptools, with a compiler that always fails: what comes of that is a
wheel without the kernel, as on a machine that has no compiler.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from distribution import ROOT, faults_of, faults_of_sdist, faults_of_wheel

LEFT_OUT = (".*", "build", "dist", "site", "bench", "runs", "*.so", "*.egg-info", "__pycache__")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Paths of an sdist and of the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*LEFT_OUT))
    build("sdist", tree, folder)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    build("wheel", unpacked, folder)
    (wheel,) = folder.glob("*.whl")
    return sdist, wheel


def build(kind: str, tree: Path, folder: Path) -> None:
    code = f"import sys; from setuptools import build_meta as b; b.build_{kind}(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=tree,
        env={**os.environ, "CC": "false", "CXX": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_both_hold_exactly_what_they_should(built: tuple[Path, Path]) -> None:
    sdist, wheel = built
    assert faults_of_sdist(sdist) == []
    assert faults_of_wheel(wheel) == []


def test_what_is_missing_or_too_much_is_noticed(built: tuple[Path, Path], tmp_path: Path) -> None:
    _, wheel = built
    worse = tmp_path / "worse.whl"
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(worse, "w") as new:
        for name in old.namelist():
            if not name.endswith(("fusion-x4.md", "THIRD_PARTY.md")):
                new.writestr(name, old.read(name))
        new.writestr("tests/test_photo.py", "")
    assert faults_of(worse) == [
        "missing: searchtransfer/weights/packaged/fusion-x4.md",
        "too much: tests/test_photo.py",
        "missing: THIRD_PARTY.md",
    ]


SMALL_WORK = """
import json, sys
import torch, searchtransfer
from searchtransfer.about import about
assert searchtransfer.__file__.startswith(sys.argv[1]), searchtransfer.__file__
photo = torch.rand(3, 48, 64)
result = searchtransfer.Upscaler.from_pretrained().upscale(photo[:, ::4, ::4], [photo])
print(json.dumps([about()["backends"]["native"], list(result.image.shape)]))
"""


def test_the_wheel_runs_without_a_compiler_and_says_so(
    built: tuple[Path, Path], tmp_path: Path
) -> None:
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(tmp_path)
    run = subprocess.run(
        [sys.executable, "-c", SMALL_WORK, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    backend, shape = json.loads(run.stdout.splitlines()[-1])
    assert backend.startswith("not available: the compiled kernel is not installed")
    assert shape == [3, 48, 64]
