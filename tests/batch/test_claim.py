# SPDX-License-Identifier: Apache-2.0
"""Two runs on one folder share the work; a killed one leaves no claim."""

import json
import subprocess
import sys
import tempfile

import pytest
from cli.commands import arguments, environment
from scenes import reduced, save, scene, sharp, tree

from searchtransfer.batch import References, Settings, plan_batch, read_references, run_batch
from searchtransfer.batch.claim import claimed, folders_may_go, folders_stay
from searchtransfer.batch.folders import make_folder, trial_folders
from searchtransfer.batch.maker import Maker
from searchtransfer.batch.plan import Job
from searchtransfer.upscaler import Upscaler

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_claim_excludes_others_and_leaves_nothing(tmp_path, temporary):
    with claimed(tmp_path / "a.png") as first:
        assert first
        with claimed(tmp_path / "x" / ".." / "a.png") as second:
            assert not second
        with claimed(tmp_path / "b.png") as other:
            assert other
        with claimed(tmp_path / "a.png") as third:  # the second has not taken it away
            assert not third
    with claimed(tmp_path / "a.png") as again:
        assert again
    (folder,) = temporary.iterdir()
    assert tree(folder) == []


def test_a_killed_process_holds_no_claim(tmp_path):
    code = (
        "import os, sys, tempfile; from pathlib import Path; "
        "from searchtransfer.batch.claim import claimed; tempfile.tempdir = sys.argv[2]\n"
        "with claimed(Path(sys.argv[1])) as free:\n"
        " print(free, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "a.png", tempfile.tempdir],
        env=environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (-9, b"True\n")
    with claimed(tmp_path / "a.png") as free:
        assert free


def test_no_run_takes_a_folder_away_that_another_needs(tmp_path):
    with folders_stay(), folders_stay():
        with trial_folders() as make:
            make(tmp_path / "a" / "b")
        assert (tmp_path / "a" / "b").is_dir()
        with folders_may_go() as free:
            assert not free
    with trial_folders() as make:
        make(tmp_path / "c" / "d")
    assert not (tmp_path / "c").exists()
    with folders_may_go() as free:
        assert free


def test_a_folder_is_not_taken_away_while_a_job_is_checked(tmp_path):
    """The other run ends its trial between the making of the folder and the look at it."""
    lr, ref = scene(tmp_path)
    upscaler = Upscaler.from_pretrained()
    photos = read_references([ref], scale=4)
    maker = Maker(upscaler, References(photos, upscaler.prepare), Settings())
    (job,) = plan_batch([lr], str(tmp_path / "out" / "out.png"))
    trial = trial_folders()
    trial.__enter__()(tmp_path / "out")

    def make_folders(job):
        make_folder(job.target.parent)
        trial.__exit__(None, None, None)

    assert isinstance(maker.check(job, make_folders), Job)


def test_without_locks_everything_is_free(tmp_path, temporary):
    (temporary / f"searchtransfer-claims-{__import__('os').getuid()}").touch()
    with claimed(tmp_path / "a.png") as free:
        assert free


@pytest.mark.parametrize(("on_exists", "status"), [("skip", "skipped"), ("error", "failed")])
def test_what_another_run_makes_is_left_to_it(tmp_path, on_exists, status):
    lr, ref = scene(tmp_path)
    upscaler = Upscaler.from_pretrained()
    photos = read_references([ref], scale=4)
    jobs = plan_batch([lr], str(tmp_path / "out.png"))
    with claimed(tmp_path / "out.png"):
        (outcome,) = run_batch(
            jobs, upscaler, References(photos, upscaler.prepare), Settings(on_exists=on_exists)
        )
    assert outcome.status == status
    told = outcome.error or outcome.warnings[0]
    assert f"output '{tmp_path}/out.png': another run is making it just now" in told
    assert not (tmp_path / "out.png").exists()


def test_two_runs_make_each_image_once(tmp_path):
    for seed in range(6):
        save(tmp_path / "in" / f"{seed}.png", reduced(sharp(seed)))
    ref = save(tmp_path / "ref.png", sharp())
    command = arguments(
        *("upscale", "-i", tmp_path / "in", "-r", ref, "-o", tmp_path / "out"),
        *("--on-exists", "skip", "--json"),
    )
    runs = [
        subprocess.Popen(
            command, stdout=subprocess.PIPE, env=environment(TMPDIR=str(tmp_path / "temporary"))
        )
        for _ in range(2)
    ]
    told = [run.communicate(timeout=300)[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    statuses = [json.loads(line)["status"] for lines in told for line in lines]
    assert statuses.count("done") == statuses.count("skipped") == 6
    results = [f"{seed}.png" for seed in range(6)]
    assert tree(tmp_path / "out") == [*results, "searchtransfer.jsonl"]
    lines = (tmp_path / "out" / "searchtransfer.jsonl").read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["output"] for line in lines) == results
