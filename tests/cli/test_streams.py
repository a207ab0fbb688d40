# SPDX-License-Identifier: Apache-2.0
"""Standard streams that are closed, full or broken end no work; foreign words do nothing there."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from cli.commands import arguments, environment
from scenes import reduced, results, save, sharp

from searchtransfer.cli.pipes import pipes

FOLDER = Path("in[", "x]")
"""A closing tag of markup, as soon as it is part of a path."""
HOSTILE = ["a.png", "{x}.png", "{0!r:>9}.png", "[red]y.png", "\x1b[2J\u202e.png", "c\nd.png"]


@pytest.fixture
def many(tmp_path):
    for number, name in enumerate(HOSTILE):
        save(tmp_path / FOLDER / f"{number}.png", reduced(sharp())).rename(tmp_path / FOLDER / name)
    save(tmp_path / "ref.png", sharp())
    return tmp_path


def through_shell(redirection, *words):
    return subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *arguments(*words)],
        capture_output=True,
        env=environment(),
        check=False,
        timeout=300,
    )


def upscale(folder, *more):
    names = "-i", folder / FOLDER, "-r", folder / "ref.png", "-o", folder / "out"
    return "upscale", *names, "-n", "transfer", *more


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize(
    ("redirection", "how"),
    [
        (">&-", "-v"),
        ("2>&-", "-vv"),
        (">&- 2>&- <&-", "--json"),
        (">/dev/full", "--json"),
        (">/dev/full 2>&1", "-vv"),
        ("| true", "-vv"),
    ],
)
def test_no_stream_ends_a_batch(many, redirection, how):
    done = through_shell(redirection, *upscale(many, how))
    assert done.returncode == 0
    assert results(many / "out") == sorted(HOSTILE)
    for name in HOSTILE:  # nothing that was told went into a picture
        assert (many / "out" / name).read_bytes().startswith(b"\x89PNG")
    full = redirection == ">/dev/full"
    assert (b"standard output cannot be written (No space left on device)" in done.stderr) == full


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("command", [["info"], ["info", "--json"]])
def test_what_is_only_told_fails_where_it_cannot_be(command):
    done = through_shell(">/dev/full", *command)
    assert done.returncode == 1
    assert done.stderr == (
        b"warning: standard output cannot be written (No space left on device)\n"
    )
    assert through_shell("| true", *command).returncode == 0


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-", "| true"])
def test_help_and_version(redirection):
    for word in ("--help", "--version"):
        assert b"Traceback" not in through_shell(redirection, word).stderr


def on_terminal(*line):
    """Exit code of a Python and everything that a terminal was sent."""
    pty = pytest.importorskip("pty")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, line, environment(TERM="xterm", COLUMNS="300"))
    sent = b""
    try:
        while part := os.read(terminal, 65536):
            sent += part
    except OSError:  # Linux tells the end so
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sent


@pytest.mark.parametrize("verbosity", [[], ["-vv"]])
def test_names_are_names_on_a_terminal(many, verbosity):
    code, sent = on_terminal(*arguments(*upscale(many, *verbosity)))
    assert code == 0, sent
    assert results(many / "out") == sorted(HOSTILE)
    for part in (b"{0!r:>9}.png", b"[red]y.png", rb"\x1b[2J\u202e.png", rb"c\nd.png"):
        assert part in sent
    assert b"\x1b[2J" not in sent
    assert "\u202e".encode() not in sent


MATCHES = """
import sys
from searchtransfer.cli import app
ref, folder, *images = sys.argv[1:]
for image in images:
    try:
        app(["match", "-i", image, "-r", ref, "-o", folder, "-n", "transfer"])
    except SystemExit as end:
        print("ended with", end.code)
"""
"""One process for all of them: to import torch takes longer than to search."""


def test_matches_of_names_that_are_names_on_a_terminal(many):
    files = [many / "ref.png", many / "maps", *(many / FOLDER / name for name in HOSTILE[1:])]
    code, sent = on_terminal(sys.executable, "-c", MATCHES, *map(str, files))
    assert code == 0, sent
    assert sent.count(b"ended with 0") == len(HOSTILE[1:]), sent
    for part in (b"{0!r:>9}", b"[red]y", rb"\x1b[2J\u202e", rb"c\nd"):
        assert part in sent
    assert b"\x1b[2J" not in sent
    assert "\u202e".encode() not in sent


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_before_the_work_ends_as_documented(tmp_path, name):
    """While torch is being imported."""
    (tmp_path / "torch.py").write_text(
        "import os, signal, time\nprint('here', flush=True)\ntime.sleep(60)\n"
    )
    path = os.pathsep.join([str(tmp_path), environment()["PYTHONPATH"]])
    running = subprocess.Popen(
        arguments("upscale", "-i", "a.png", "-o", "b.png"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(PYTHONPATH=path),
    )
    assert running.stdout is not None
    assert running.stdout.readline() == b"here\n"
    running.send_signal(name)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert told == b"error: interrupted; finished files are kept\n"


def test_json_stays_json(many):
    done = through_shell("", *upscale(many, "--json"))
    told = [json.loads(line)["input"] for line in done.stdout.splitlines()]
    assert sorted(Path(x).name for x in told) == sorted(HOSTILE)


def test_folders_of_killed_commands_go_and_those_of_the_living_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = "import os\nfrom searchtransfer.cli.pipes import pipes\n"
    killed = [sys.executable, "-c", f"{code}with pipes(): os.kill(os.getpid(), 9)"]
    subprocess.run(killed, env=environment(TMPDIR=str(tmp_path)), check=False, timeout=60)
    (left,) = tmp_path.iterdir()
    with pipes():  # it may be that of a command that has just begun
        assert left.exists()
        for held in tmp_path.glob("*/.held"):
            os.utime(held, (0, 0))
        with pipes():
            assert not left.exists()
            assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())
