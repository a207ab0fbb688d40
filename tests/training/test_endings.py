# SPDX-License-Identifier: Apache-2.0
"""Whatever ends a run from outside: what was learned is kept, the reason told, none left behind."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from training.data.photos import photo, saved
from training.runs import data, settings, tiny
from training.test_loop import last, quiet

from searchtransfer.errors import ConfigError, DataError
from searchtransfer.training import train
from searchtransfer.training.checkpoint import checkpoints
from searchtransfer.training.journal import read_journal

SOURCE = str(Path(__file__).parents[2] / "src")
ENVIRONMENT = os.environ | {"PYTHONPATH": SOURCE, "OMP_NUM_THREADS": "1"}
ENDLESS = ("phases.0.steps=100000", "run.checkpoint_every=100000", "validation.every=100000")


BEGUN: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def _no_endless_run_outlives_its_test():
    """One that a failed test leaves takes a processor from all that follow."""
    yield
    while BEGUN:
        process = BEGUN.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def started(root, *words, options=(), limit=None):
    """The command, in a group of its own."""
    sets = [x for word in settings(root, *ENDLESS, *words) for x in ("--set", word)]
    command = [sys.executable, "-m", "searchtransfer", "train", "ttsr-tiny", *sets, *options]
    process = subprocess.Popen(
        command,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=limit,
    )
    BEGUN.append(process)
    return process


def after_steps(process, root, steps=3):
    """Wait until some steps are taken, and no checkpoint is written."""
    while process.poll() is None and len(read_journal(root / "run")) < steps:
        time.sleep(0.05)
    assert process.poll() is None, process.communicate()
    assert not checkpoints(root / "run" / "checkpoints")


def ended(process):
    output, errors = process.communicate(timeout=120)
    assert "unexpected fault" not in errors
    assert "Traceback" not in errors
    return output, errors


def steps_kept(root):
    checkpoint = last(root)
    assert checkpoint is not None
    return checkpoint.state["step"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_signal_to_the_whole_group(tmp_path, number, workers):
    process = started(data(tmp_path), f"run.workers={workers}")
    after_steps(process, tmp_path)
    os.killpg(process.pid, number)
    _, errors = ended(process)
    assert process.returncode == 130, errors
    assert f"Stopped after step {steps_kept(tmp_path)} of 100000" in errors


def test_a_hangup_is_ignored_where_it_was_before(tmp_path):
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    process = started(data(tmp_path), limit=ignore)
    after_steps(process, tmp_path)
    os.killpg(process.pid, signal.SIGHUP)
    count = len(read_journal(tmp_path / "run"))
    after_steps(process, tmp_path, count + 3)
    process.terminate()
    ended(process)
    assert process.returncode == 130


def readers(process):
    return psutil.Process(process.pid).children()


@pytest.mark.parametrize("attempt", range(2))
def test_a_killed_reader(tmp_path, attempt):
    process = started(data(tmp_path), "run.workers=2")
    after_steps(process, tmp_path, 3 + attempt)
    found = readers(process)
    assert len(found) >= 2
    found[attempt].kill()
    _, errors = ended(process)
    assert process.returncode == 2, errors
    assert "a process that reads photos died" in errors
    assert "lower it and resume" in errors
    assert steps_kept(tmp_path) >= 3
    for reader in found:
        assert not reader.is_running() or reader.status() == psutil.STATUS_ZOMBIE


def test_readers_end_with_the_run_that_was_killed(tmp_path):
    process = started(data(tmp_path), "run.workers=2")
    after_steps(process, tmp_path)
    found = readers(process)
    process.kill()
    process.communicate()
    gone, alive = psutil.wait_procs(found, timeout=30)
    assert not alive
    assert len(gone) == len(found) >= 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_processes_end_with_their_launcher(tmp_path, number):
    process = started(data(tmp_path), options=("--processes", "2"))
    after_steps(process, tmp_path)
    found = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.communicate(timeout=120)
    _, alive = psutil.wait_procs(found, timeout=60)
    assert not alive
    assert len(found) >= 3
    step = steps_kept(tmp_path)
    words = (f"phases.0.steps={step + 2}", "run.checkpoint_every=100000", "validation.every=100000")
    outcome = train(tiny(tmp_path, *words), resume=True, on_progress=quiet)
    assert outcome.step == step + 2


def test_a_full_disk_at_the_journal(tmp_path):
    """No file may grow beyond 5 kB, which the journal does first; the checkpoint is larger too."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))

    process = started(data(tmp_path), limit=limit)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 2, errors
    assert "unexpected fault" not in errors
    assert errors.splitlines()[-1].startswith("error: "), errors
    assert "File too large" in errors.splitlines()[-1]
    assert str(tmp_path) in errors
    assert not list((tmp_path / "run").rglob("*.part"))
    assert len(read_journal(tmp_path / "run")) > 3


def test_too_many_broken_photos_keep_what_was_learned(tmp_path):
    root = data(tmp_path, photos=40)
    words = ("data.max_skipped=0", "phases.0.steps=40", "run.checkpoint_every=100")

    def break_one(progress):
        if progress.step == 3:
            for path in (root / "photos").iterdir():
                path.write_bytes(b"no photo")

    with pytest.raises(DataError, match=r"in a row could not be used|are allowed"):
        train(tiny(root, *words), on_progress=break_one)
    assert steps_kept(root) >= 3


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "validation.sets.0.layout=singles",
            r"validation\.sets\.0\.layout: singles gives photos without references",
        ),
        ("data.patch=128", r"data\.patch: all photos have a side below the 128 pixels"),
    ],
)
def test_layouts_that_cannot_work_are_refused_at_once(tmp_path, override, message):
    with pytest.raises(ConfigError, match=message):
        train(tiny(data(tmp_path), override))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("profile", "side"), [("ttsr", 10), ("ttsr", 11), ("c2", 18)])
def test_photos_too_small_to_be_measured_are_refused_at_once(tmp_path, profile, side):
    root = data(tmp_path)
    for i in range(2):
        saved(root / "scenes" / "place" / f"{i}.png", photo(side, 60, seed=i))
    with pytest.raises(ConfigError, match=r"validation\.sets\.0: all photos have a side below"):
        train(tiny(root, f"validation.profile={profile}"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("profile", "side"), [("ttsr", 12), ("c2", 20)])
def test_photos_that_are_just_large_enough_are_measured(tmp_path, profile, side):
    root = data(tmp_path)
    for i in range(2):
        saved(root / "scenes" / "place" / f"{i}.png", photo(side, side + 1, seed=i))
    outcome = train(tiny(root, f"validation.profile={profile}", "phases.0.steps=1"))
    assert outcome.best_psnr is not None
