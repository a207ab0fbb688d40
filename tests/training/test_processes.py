# SPDX-License-Identifier: Apache-2.0
"""Training in processes of their own: killed at the worst moments, and two at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from training.runs import data, settings
from training.test_loop import ALL, assert_close_curves, assert_same_checkpoint, curve, last

from searchtransfer.errors import ConfigError
from searchtransfer.training.checkpoint import checkpoints
from searchtransfer.training.launch import asked_of_accelerate

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {
    "PYTHONPATH": str(HERE.parents[1] / "src"),
    "OMP_NUM_THREADS": "1",
    "PYTHONWARNINGS": "error",
}

PATIENCE = 900
"""Seconds that a run may take: machines may be busy."""


def command(root, *words, folder="run", launcher=(sys.executable,)):
    child = str(HERE / "child.py")
    return [*launcher, child, "ttsr-tiny", *settings(root, ALL, folder=folder), *words]


def ran(root, *words, **options):
    return subprocess.run(
        command(root, *words, **options),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def killed(root, *words):
    process = ran(root, *words)
    assert process.returncode == -signal.SIGKILL, process.stderr
    return process.stdout


def finished(root, *words, **options):
    process = ran(root, *words, **options)
    assert process.returncode == 0, process.stderr
    assert "finished at 8, interrupted: False" in process.stdout
    return process.stdout


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that nothing interrupted."""
    root = data(tmp_path_factory.mktemp("whole"))
    finished(root)
    return root


def names(root):
    return sorted(p.name for p in (root / "run" / "checkpoints").iterdir())


def test_killed_at_every_bad_moment_the_curve_is_that_of_a_whole_run(tmp_path, whole):
    root = data(tmp_path)  # checkpoints at 3, 6 and 8, validations of 2 photos at 4 and 8
    killed(root, "--kill", "write:3")
    (part,) = names(root)
    assert part.startswith(".searchtransfer-") and part.endswith(".part")

    output = killed(root, "--resume", "--kill", "step:5")  # in the middle of an epoch
    assert "resumed" not in output  # there was nothing to go on from
    assert names(root) == ["step-000000003.safetensors"]

    output = killed(root, "--resume", "--kill", "swap:6")  # complete, but not under its name
    assert "resumed at step 3 of 8" in output
    assert len(names(root)) == 2 and "step-000000003.safetensors" in names(root)

    output = killed(root, "--resume", "--kill", "validation:3")  # the first one of step 8's
    assert "resumed at step 3 of 8" in output
    assert names(root) == ["step-000000006.safetensors", "step-000000008.safetensors"]
    assert [line["step"] for line in curve(root) if "scores" in line] == [4]

    output = finished(root, "--resume")
    assert "resumed at step 8 of 8" in output
    assert curve(root) == curve(whole)
    assert_same_checkpoint(last(root), last(whole))


def test_killed_from_outside_at_any_moment(tmp_path, whole):
    root = data(tmp_path)
    for attempt in range(3):
        process = subprocess.Popen(
            command(root, "--resume"), env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
        )
        seen = next((line for line in process.stdout if line.startswith("step ")), "")
        time.sleep(0.05 * attempt)
        process.kill()
        process.communicate()
        # No more is lost than the work since the last checkpoint, and that one can be used.
        steps = [int(path.stem.removeprefix("step-")) for path in checkpoints_of(root)]
        assert not steps or last(root).state["step"] == max(steps)
        assert seen
    finished(root, "--resume")
    assert curve(root) == curve(whole)
    assert_same_checkpoint(last(root), last(whole))


def checkpoints_of(root):
    return checkpoints(root / "run" / "checkpoints")


def assert_same_curve(root, whole):
    assert_close_curves(curve(root), curve(whole))
    ours, theirs = last(root).part("model"), last(whole).part("model")
    for key, value in ours.items():
        torch.testing.assert_close(value, theirs[key], rtol=1e-3, atol=1e-4)


def test_two_processes_learn_what_one_does_with_twice_the_batch(tmp_path, whole):
    root = data(tmp_path)
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu"]
    launch += ["--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
    launch += ["--dynamo_backend", "no", "--main_process_port", "0"]
    output = finished(root, launcher=launch)
    assert output.count("finished at 8") == 2  # both were there, each with two of four samples
    assert_same_curve(root, whole)


def train_command(root, *options, launcher=()):
    words = [part for word in settings(root, ALL) for part in ("--set", word)]
    train = ["-m", "searchtransfer.cli", "train", "ttsr-tiny", *words, *options]
    return [sys.executable, *launcher, *train]


SHOWN = {key: value for key, value in ENVIRONMENT.items() if key != "PYTHONWARNINGS"}


def test_the_command_shares_the_batch_among_processes(tmp_path, whole):
    root = data(tmp_path)
    process = subprocess.run(
        train_command(root, "--processes", "2"),
        env=SHOWN,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    assert process.stdout.count("Trained 8 steps") == 1
    assert_same_curve(root, whole)


def test_accelerate_launch_on_the_cpu_starts_as_many_as_asked(tmp_path):
    root = data(tmp_path)
    launcher = ["-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    process = subprocess.run(
        train_command(root, "--set", "batch=3", launcher=launcher),
        env=SHOWN,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert process.returncode == 1
    assert "cannot be divided evenly over 2 processes" in process.stderr


def test_several_processes_stop_at_the_first_signal_with_a_checkpoint(tmp_path):
    root = data(tmp_path)
    process = subprocess.Popen(
        train_command(root, "--processes", "2", "--set", "phases.0.steps=100000"),
        env=SHOWN,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not checkpoints_of(root) and process.poll() is None:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert "Stopped after step" in errors
    stopped = last(root).state["step"]
    assert f"Stopped after step {stopped} of 100000" in errors


def test_a_number_of_processes_that_nobody_knows():
    assert asked_of_accelerate({}) == 1
    assert asked_of_accelerate({"MASTER_ADDR": "127.0.0.1", "RANK": "0"}) == 1
    with pytest.raises(ConfigError, match="started one process, though more were asked for"):
        asked_of_accelerate({"MASTER_ADDR": "127.0.0.1"})
