# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer studio` from outside."""

import http.client
import json
import signal
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cli.commands import SOURCE, arguments, command, environment, process


def test_help_imports_neither_server_nor_torch(tmp_path: Path) -> None:
    for name in ("uvicorn", "starlette", "torch"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    run = process("studio", "--help", PYTHONPATH=f"{tmp_path}:{SOURCE}")
    assert run.returncode == 0, run.stderr
    assert b"--job-seconds" in run.stdout


def test_without_a_server_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise RuntimeError('broken in an odd way')")
    run = process("studio", "--port", "0", PYTHONPATH=f"{tmp_path}:{SOURCE}")
    assert run.returncode == 2
    assert b"broken in an odd way" in run.stderr
    assert b"pip install 'searchtransfer[studio]'" in run.stderr


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--port", "99999", "from 0 to 65535"), ("--host", "no such host", "cannot be used")],
)
def test_an_address_that_cannot_be(option: str, value: str, words: str) -> None:
    run = command("studio", option, value)
    assert run.exit_code == 2
    assert words in run.output


def started(folder: Path) -> tuple[subprocess.Popen[bytes], bytes]:
    """A studio with its temporary files there, and the line that tells its address."""
    pytest.importorskip("starlette", reason="the studio needs the extra `studio`")
    studio = subprocess.Popen(
        arguments("studio", "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(TMPDIR=str(folder), PYTHONUNBUFFERED="1"),
    )
    assert studio.stdout is not None
    return studio, studio.stdout.readline()


def test_it_says_its_address_and_ends_by_ctrl_c(tmp_path: Path) -> None:
    studio, line = started(tmp_path)
    assert b"http://127.0.0.1:" in line
    assert list(tmp_path.glob("searchtransfer-studio-*"))
    studio.send_signal(signal.SIGINT)
    out, errors = studio.communicate(timeout=60)
    assert studio.returncode == 130
    assert b"studio ended" in out
    assert errors == b""
    assert not list(tmp_path.iterdir())


def test_an_open_page_does_not_disturb_the_end(tmp_path: Path) -> None:
    """A connection that never ends, as a page has, is cut without a word of it."""
    studio, line = started(tmp_path)
    address = urlsplit(line.decode().split()[2])
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.request("POST", "/studio/enter")
    token = json.loads(connection.getresponse().read())["token"]
    connection.request("GET", f"/studio/{token}/events")
    assert connection.getresponse().readline().startswith(b"data: ")
    studio.send_signal(signal.SIGINT)
    _, errors = studio.communicate(timeout=60)
    connection.close()
    assert studio.returncode == 130
    assert errors == b""
