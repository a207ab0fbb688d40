# SPDX-License-Identifier: Apache-2.0
"""The command line as a process: its streams, its signals, the real demo."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest
from cli.commands import arguments, environment, process
from scenes import reduced, results, save, scene, sharp, tree


def test_names_of_any_kind_beside_a_broken_torchvision(tmp_path):
    fake = tmp_path / "fake" / "torchvision"
    fake.mkdir(parents=True)
    (fake / "__init__.py").write_text("raise RuntimeError('broken torchvision')")
    folder = tmp_path / "in"
    names = ["日本 😀.png", "line\nbreak.png", os.fsdecode(b"\xff\xfe.png")]
    for number, name in enumerate(names):
        save(folder / f"{number}.png", reduced(sharp())).rename(folder / name)
    ref = save(tmp_path / "-r ef.png", sharp())
    path = os.pathsep.join([str(fake.parent), environment()["PYTHONPATH"]])
    done = process(
        *("upscale", "-i", folder, f"--ref={ref}", "-o", tmp_path / "out", "--json"),
        PYTHONPATH=path,
        PYTHONIOENCODING="ascii",
    )
    assert (done.returncode, done.stderr) == (0, b"")
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(Path(x["output"]).name for x in facts) == sorted(names)
    assert results(tmp_path / "out") == sorted(names)

    words = process(
        *("upscale", "-i", folder, "-r", ref, "-o", tmp_path / "out"), PYTHONIOENCODING="ascii"
    )
    assert words.returncode == 1
    assert rb"line\nbreak.png" in words.stderr
    assert len(words.stderr.splitlines()) == 3


def test_a_reader_that_goes_away_does_not_stop_the_work(tmp_path):
    lr, ref = scene(tmp_path)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        arguments("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png"),
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
        timeout=120,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out.png").exists()


def test_help_into_a_closed_pipe():
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        arguments("--help"),
        stdout=write,
        stderr=subprocess.PIPE,
        env=environment(),
        check=False,
        timeout=60,
    )
    os.close(write)
    assert b"Traceback" not in done.stderr


def begun(tmp_path, *options):
    """A run in the middle of a long search, its first image done."""
    save(tmp_path / "in" / "0.png", reduced(sharp()))
    for number in (1, 2):
        save(tmp_path / "in" / f"{number}.png", sharp(number, 400, 400))
    ref = save(tmp_path / "ref.png", sharp(9, 1600, 1600))
    running = subprocess.Popen(
        arguments(
            *("upscale", "-i", tmp_path / "in", "-r", ref, "-o", tmp_path / "out", "-vv", *options)
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert running.stdout is not None
    assert running.stderr is not None
    assert b"0.png" in running.stdout.readline()
    for line in running.stderr:
        if b"search runs on" in line:
            break
    for line in running.stderr:  # of the second image
        if b"search runs on" in line:
            break
    return running


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_signals_leave_nothing_half_done(tmp_path, number, code):
    running = begun(tmp_path)
    inputs = {path: path.read_bytes() for path in (tmp_path / "in").iterdir()}
    running.send_signal(number)
    _, err = running.communicate(timeout=60)
    assert running.returncode == code
    if code == 130:
        assert b"error: interrupted; finished files are kept" in err
        assert b"Traceback" not in err
    assert results(tmp_path / "out") == ["0.png"]
    assert {path: path.read_bytes() for path in inputs} == inputs


def test_the_demo_gains_what_it_promises(tmp_path):
    done = process("demo", "-o", tmp_path / "pictures")
    assert (done.returncode, done.stderr) == (0, b"")
    gain = re.search(rb"gain +\+([\d.]+) dB", done.stdout)
    assert gain is not None
    assert float(gain[1]) > 3.5
    assert len(tree(tmp_path / "pictures")) == 7


def read_terminal(handle: int) -> bytes:
    """What was shown; nothing at its end, which Linux tells by an error."""
    try:
        return os.read(handle, 65536)
    except OSError:
        return b""


def test_progress_only_on_a_terminal(tmp_path):
    """On a terminal there is a bar, on stderr; `scene` runs too short to see more of it."""
    pty = pytest.importorskip("pty")
    lr, ref = scene(tmp_path)
    ours, theirs = pty.openpty()
    done = subprocess.run(
        arguments("upscale", "-i", lr, "-r", ref, "-o", tmp_path / "out.png", "--json"),
        stdout=subprocess.PIPE,
        stderr=theirs,
        env=environment(TERM="xterm", COLUMNS="400"),  # a long path fits
        check=False,
        timeout=120,
    )
    os.close(theirs)
    shown = b"".join(iter(lambda: read_terminal(ours), b""))
    os.close(ours)
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "done"
    assert b"lr.png" in shown
    assert np.isin(0x1B, list(shown))  # control sequences
