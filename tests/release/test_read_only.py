# SPDX-License-Identifier: Apache-2.0
"""The studio works where only one file system can be written to, and without root's powers.

That is what `containers/studio/Containerfile` promises. Here the kernel shows it without a
container: in a mount namespace of its own the whole tree is read-only but for a small file system
in memory.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from scenes import scene
from studio.server import SOURCE, Studio, wait_for

ROOT = Path(__file__).parents[2]
NAMESPACE = """
mount --make-rprivate / && mount -t tmpfs -o mode=1777,size=512m none "$TMPDIR" &&
mount -o remount,ro,bind / && cd "$TMPDIR" &&
exec setpriv --no-new-privs --bounding-set -all -- "$@"
"""


def contained(temporary: Path, *command: str) -> list[str]:
    environment = f"TMPDIR={temporary} HOME={temporary} PYTHONPATH={SOURCE} OMP_NUM_THREADS=1"
    env = ["env", *environment.split(), "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"]
    return [*env, "unshare", "--mount", "sh", "-c", NAMESPACE, "sh", *command]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    temporary = tmp_path / "only"
    temporary.mkdir()
    probe = (
        "assert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read(); open('x', 'w')"
    )
    try:
        run = subprocess.run(
            contained(temporary, sys.executable, "-c", probe), capture_output=True, check=False
        )
    except FileNotFoundError as missing:
        pytest.skip(f"no {missing.filename}")
    if run.returncode:
        pytest.skip(f"no namespace is to be had: {run.stderr.decode()}")
    log = tmp_path / "log.txt"
    command = (sys.executable, "-m", "searchtransfer", "studio", "-v")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            contained(temporary, *command), stdout=subprocess.PIPE, stderr=errors
        )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().decode().split()
        address = next((word for word in words if word.startswith("http://")), "")
        assert address, log.read_text()
        yield Studio(address.rstrip("/"), log, temporary, process)
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def health_check(port: int | None) -> int:
    """The command of the container file, asked of another port."""
    text = (ROOT / "containers/studio/Containerfile").read_text()
    line = next(x.partition("CMD ")[2] for x in text.splitlines() if "HTTPConnection" in x)
    _, *arguments = json.loads(line.replace("7860", str(port)))
    return subprocess.run([sys.executable, *arguments], capture_output=True, check=False).returncode


def test_the_studio_works_without_powers_where_only_one_folder_can_be_written(
    studio: Studio, tmp_path: Path
) -> None:
    everybodys = tmp_path / "everybodys"
    everybodys.mkdir()
    everybodys.chmod(0o777)
    outside = everybodys / "not-here"
    touch = subprocess.run(
        contained(studio.temporary, "touch", str(outside)), capture_output=True, check=False
    )
    assert b"Read-only file system" in touch.stderr
    wait_for(lambda: health_check(urlsplit(studio.address).port) == 0, 60)
    assert health_check(9) != 0

    small, sharp = scene(tmp_path)
    visitor = studio.enter()
    for what, path in (("small", small), ("reference", sharp)):
        status, said = visitor.ask("POST", what, path.read_bytes(), X_Name=path.name)
        assert status == 200, said
    visitor.choose("transfer")
    assert visitor.ask("POST", "start", b"")[0] == 200
    wait_for(lambda: visitor.sees()["outcomes"])
