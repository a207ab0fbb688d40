# SPDX-License-Identifier: Apache-2.0
"""TensorBoard reads what a run writes; a full disk is told at once, and once."""

import subprocess
import sys

import pytest
from cli.commands import environment
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from searchtransfer.errors import OutputError
from searchtransfer.training.board import Board
from searchtransfer.training.journal import Journal


def curve(folder, name):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return [(x.step, x.value) for x in accumulator.Scalars(name)]


def test_tensorboard_reads_it(tmp_path):
    journal = Journal(tmp_path, 0)
    for step in range(1, 5):
        journal.step(step, {"total": step / 4}, 0.5, 0.1)
    journal.scores(4, {"set": {"psnr": 30.0, "photos": 2, "exact": 1}})
    journal.close()
    folder = tmp_path / "tensorboard"
    assert curve(folder, "losses/total") == [(1, 0.25), (2, 0.5), (3, 0.75), (4, 1.0)]
    assert curve(folder, "validation/set/psnr") == [(4, 30.0)]
    for count in ("photos", "exact"):
        with pytest.raises(KeyError):
            curve(folder, f"validation/set/{count}")


def test_what_lies_beyond_the_checkpoint_counts_no_more(tmp_path):
    for first, factor in ((1, 1), (3, 10)):
        board = Board(tmp_path, first)
        for step in range(first, 5):
            board.add({"x": step * factor}, step)
        board.close()
    assert len(list(tmp_path.iterdir())) == 2
    assert curve(tmp_path, "x") == [(1, 1.0), (2, 2.0), (3, 30.0), (4, 40.0)]


FULL = """
import resource, sys
from pathlib import Path
from searchtransfer.errors import OutputError
from searchtransfer.training.journal import Journal
journal = Journal(Path(sys.argv[1]), 0)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    for step in range(1, 1000):
        journal.step(step, {f"loss-{i}": 0.5 for i in range(20)}, 0.5, 0.1)
except OutputError as error:
    print(error)
journal.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are those of POSIX systems")
def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    folder = tmp_path / "tensorboard"
    assert done.stdout.startswith(f"'{folder}': TensorBoard's files cannot be written (File too")
    assert curve(folder, "losses/loss-3")[:2] == [(1, 0.5), (2, 0.5)]


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "tensorboard").write_text("mine")
    with pytest.raises(OutputError, match="TensorBoard's files cannot be written"):
        Board(tmp_path / "tensorboard", 1)
    assert (tmp_path / "tensorboard").read_text() == "mine"
