# SPDX-License-Identifier: Apache-2.0
"""Several processes make what one makes; a lost one loses nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest
from batch.folders import UPSCALER, batch, images, lines, pictures, statuses, told
from cli.commands import arguments, command, environment
from scenes import results

from searchtransfer.batch import References, Settings, plan_batch, processes, run_batch
from searchtransfer.errors import OptionError


class Killer:
    """Kills all workers when an image is begun, a number of times."""

    def __init__(self, name, times):
        self.name, self.times = name, times

    def started(self, job):
        if job.source.name == self.name and self.times:
            self.times -= 1
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)

    def progressed(self, stage, done): ...

    def finished(self, outcome): ...


def test_the_same_bytes_as_one_process_though_workers_are_killed(tmp_path, monkeypatch):
    for name in ("one", "two"):
        images(tmp_path / name, 5)
        (tmp_path / name / "in" / "3.png").write_bytes(b"nonsense")
    monkeypatch.chdir(tmp_path / "one")
    here = batch(tmp_path / "one")
    killer = Killer("1.png", 1)
    there = batch(tmp_path / "two", engine=processes(2), watcher=killer)
    assert killer.times == 0
    assert statuses(there) == statuses(here)
    assert pictures(tmp_path / "two") == pictures(tmp_path / "one")
    texts = [str(told(tmp_path / x)).replace(str(tmp_path / x), "") for x in ("one", "two")]
    assert texts[0] == texts[1]
    made = [x["output"] for x in lines(tmp_path / "two") if x["status"] == "done"]
    assert sorted(made) == ["0.png", "1.png", "2.png", "4.png"]
    assert not multiprocessing.active_children()


def test_an_item_that_ends_its_workers_is_a_failure_of_its_own(tmp_path):
    images(tmp_path, 1)
    (outcome,) = batch(tmp_path, engine=processes(1), watcher=Killer("0.png", 9))
    assert outcome.status == "failed"
    assert "2 worker processes ended while they made it (signal 9)" in outcome.error
    assert "--jobs" in outcome.error


class Reaper(Killer):
    """Kills them between two items as well."""

    def finished(self, outcome):
        if self.times:
            for child in multiprocessing.active_children():
                child.kill()
                child.join()


def test_a_worker_that_is_lost_between_two_items_is_none_of_their_losses(tmp_path):
    images(tmp_path, 2)
    reaper = Reaper("1.png", 1)
    outcomes = batch(tmp_path, engine=processes(1), watcher=reaper)
    assert reaper.times == 0
    assert [x.status for x in outcomes] == ["done", "done"]


def test_a_manifest_is_needed(tmp_path):
    images(tmp_path, 1)
    jobs = plan_batch([tmp_path / "in"], None, suffix="-x4")
    references = References({}, UPSCALER.prepare)
    with pytest.raises(OptionError, match=r"several workers need an output folder.*-o FOLDER/"):
        run_batch(jobs, UPSCALER, references, Settings(), engine=processes(2))
    with pytest.raises(OptionError, match="--jobs must be a whole number from 1 on, got 0"):
        processes(0)


def test_the_command_needs_a_folder(tmp_path):
    images(tmp_path, 1)
    done = command("upscale", tmp_path / "in", "-r", tmp_path / "ref.png", "-j", "2")
    assert done.exit_code == 2 and "-o FOLDER/" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")
def test_a_signal_ends_all_and_leaves_nothing_half_done(tmp_path):
    images(tmp_path, 40)
    words = ("-i", tmp_path / "in", "-r", tmp_path / "ref.png", "-o", tmp_path / "out", "-j", "2")
    run = subprocess.Popen(
        arguments("upscale", *words, "-n", "transfer"),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        while not (tmp_path / "out").exists() or not results(tmp_path / "out"):
            assert run.poll() is None, run.communicate()
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)  # as a terminal does: to the workers too
        _, said = run.communicate(timeout=60)
    finally:
        run.kill()
    assert run.returncode == 130, said
    assert b"Traceback" not in said
    with pytest.raises(ProcessLookupError):
        for _ in range(200):  # workers may still be on their way out
            os.killpg(run.pid, 0)
            time.sleep(0.05)
    done = {x["output"] for x in lines(tmp_path)}
    assert set(results(tmp_path / "out")) <= done
    assert not [x for x in results(tmp_path / "out") if x.endswith(".part")]
