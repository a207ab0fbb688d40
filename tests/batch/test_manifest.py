# SPDX-License-Identifier: Apache-2.0
"""The manifest: what it tells, what is made again, and what becomes of a damaged one."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from batch.folders import batch, images, lines, pictures, statuses, told
from cli.commands import environment
from scenes import reduced, save, sharp

from searchtransfer.batch import Manifest
from searchtransfer.errors import OutputError
from searchtransfer.images import ImageWarning


def test_what_it_tells(tmp_path):
    images(tmp_path)
    (tmp_path / "in" / "2.png").write_bytes(b"nonsense")
    batch(tmp_path)
    bad, first, _ = lines(tmp_path)
    assert (bad["status"], bad["output"]) == ("failed", "2.png")
    assert "its content is plain text" in bad["error"]
    assert (first["status"], first["output"], first["format"]) == ("done", "0.png", 1)
    for key, path in (("input_hash", "in/0.png"), ("output_hash", "out/0.png")):
        digest = hashlib.sha256((tmp_path / path).read_bytes()).hexdigest()
        assert first[key] == f"sha256:{digest}"
    digest = hashlib.sha256((tmp_path / "ref.png").read_bytes()).hexdigest()
    assert first["references"] == [{"path": str(tmp_path / "ref.png"), "hash": f"sha256:{digest}"}]
    assert first["settings"]["model"] == "transfer"
    assert first["versions"]["searchtransfer"]
    assert first["seconds"] > 0 and -1 <= first["mean_score"] <= 1


def test_the_same_is_skipped_wherever_the_folder_is(tmp_path):
    images(tmp_path / "a")
    batch(tmp_path / "a")
    (tmp_path / "a").rename(tmp_path / "b")
    assert set(statuses(batch(tmp_path / "b", on_exists="skip")).values()) == {"skipped"}
    assert len(lines(tmp_path / "b")) == 3


@pytest.mark.parametrize("changed", ["the input", "the references", "settings (bits)"])
def test_what_is_made_of_something_else_is_made_again(tmp_path, changed):
    images(tmp_path)
    batch(tmp_path)
    before = pictures(tmp_path)
    settings = {}
    if changed == "the input":
        save(tmp_path / "in" / "0.png", reduced(sharp(7)))
    elif changed == "the references":
        save(tmp_path / "ref.png", sharp(2))
    else:
        settings = {"bits": 16}
    outcomes = batch(tmp_path, on_exists="skip", **settings)
    again = [x for x in outcomes if x.status == "done"]
    assert len(again) == (1 if changed == "the input" else 3)
    assert all(f"made again, for {changed} changed" in x.warnings[0] for x in again)
    after = pictures(tmp_path)
    assert {x.job.target.name for x in again} == {x for x in after if after[x] != before[x]}
    assert set(statuses(batch(tmp_path, on_exists="skip", **settings)).values()) == {"skipped"}


def test_what_somebody_has_changed_since_is_left_alone(tmp_path):
    images(tmp_path, 1)
    batch(tmp_path)
    mine = save(tmp_path / "out" / "0.png", sharp(9)).read_bytes()
    (outcome,) = batch(tmp_path, on_exists="skip", bits=16)
    assert outcome.status == "skipped"
    assert "somebody has changed it since" in outcome.warnings[0]
    assert pictures(tmp_path) == {"0.png": mine}


def test_what_it_does_not_tell_of_is_left_alone(tmp_path):
    images(tmp_path, 2)
    mine = save(tmp_path / "out" / "0.png", sharp(9)).read_bytes()
    outcomes = batch(tmp_path, on_exists="skip")
    assert statuses(outcomes) == {"0.png": "skipped", "1.png": "done"}
    assert pictures(tmp_path)["0.png"] == mine


def test_a_result_that_is_gone_is_made_again(tmp_path):
    images(tmp_path)
    batch(tmp_path)
    before = pictures(tmp_path)
    (tmp_path / "out" / "1.png").unlink()
    outcomes = batch(tmp_path, on_exists="skip")
    assert statuses(outcomes) == {"0.png": "skipped", "1.png": "done", "2.png": "skipped"}
    assert pictures(tmp_path) == before


@pytest.mark.parametrize("rest", [b'{"format": 1, "outp', b"\0\0\0\0", b"\0\0\0\0\n", b"{]\n"])
def test_a_damaged_last_line_is_taken_away_and_told(tmp_path, rest):
    images(tmp_path)
    batch(tmp_path)
    before = told(tmp_path)
    with (tmp_path / "out" / "searchtransfer.jsonl").open("ab") as file:
        file.write(rest)
    with pytest.warns(ImageWarning, match=r"its last line was cut short or damaged .* taken away"):
        outcomes = batch(tmp_path, on_exists="skip")
    assert set(statuses(outcomes).values()) == {"skipped"}
    assert told(tmp_path) == before


@pytest.mark.parametrize("on_exists", ["error", "skip", "overwrite"])
def test_another_version_is_refused_before_the_work(tmp_path, on_exists):
    images(tmp_path)
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "searchtransfer.jsonl"
    path.write_text('{"format": 2, "output": "0.png"}\n')
    with pytest.raises(OutputError, match=r"is of version 2, .*reads and writes version 1; .*-o"):
        batch(tmp_path, on_exists=on_exists)
    assert [x.name for x in (tmp_path / "out").iterdir()] == ["searchtransfer.jsonl"]
    assert path.read_text() == '{"format": 2, "output": "0.png"}\n'


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    images(tmp_path)
    batch(tmp_path)
    path = tmp_path / "out" / "searchtransfer.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([first, b"rubbish\n", *rest]))
    with pytest.raises(OutputError, match=rf"the line at byte {len(first)} is damaged; remove"):
        batch(tmp_path, on_exists="skip")


def test_other_versions_are_told_and_kept(tmp_path):
    images(tmp_path)
    batch(tmp_path)
    path = tmp_path / "out" / "searchtransfer.jsonl"
    path.write_text(path.read_text().replace('"searchtransfer": "', '"searchtransfer": "9.'))
    with pytest.warns(ImageWarning, match=r"3 results were made by other versions"):
        outcomes = batch(tmp_path, on_exists="skip")
    assert set(statuses(outcomes).values()) == {"skipped"}


def test_a_failure_is_told_once(tmp_path):
    images(tmp_path, 1)
    (tmp_path / "in" / "0.png").write_bytes(b"nonsense")
    for _ in range(2):
        batch(tmp_path, on_exists="skip")
    assert [x["status"] for x in lines(tmp_path)] == ["failed"]
    save(tmp_path / "in" / "0.png", reduced(sharp()))
    batch(tmp_path, on_exists="skip")
    assert [x["status"] for x in lines(tmp_path)] == ["failed", "done"]


TESTS = Path(__file__).parents[1]

KILLED_BETWEEN = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from batch.folders import batch
from searchtransfer.batch.item import Finished
Finished.write = lambda self, settings: os.kill(os.getpid(), 9)
batch(Path(sys.argv[1]))
"""


def test_a_kill_between_the_line_and_the_name(tmp_path):
    images(tmp_path, 1)
    done = subprocess.run(
        [sys.executable, "-c", KILLED_BETWEEN, tmp_path, TESTS], env=environment(), check=False
    )
    assert done.returncode == -9
    assert [x["status"] for x in lines(tmp_path)] == ["done"] and not pictures(tmp_path)
    assert statuses(batch(tmp_path, on_exists="skip")) == {"0.png": "done"}
    assert told(tmp_path)[0] == told(tmp_path)[1]


FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from batch.folders import batch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1], "out", "searchtransfer.jsonl")
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9,) * 2)
for outcome in batch(Path(sys.argv[1])):
    print(outcome.status, outcome.error)
"""


def test_no_result_where_its_line_has_no_room(tmp_path):
    images(tmp_path, 2)
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "searchtransfer.jsonl"
    before = '{"format": 1, "output": "old.png", "status": "failed"}\n' * 2000
    path.write_text(before)
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path, TESTS],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    first, second = done.stdout.splitlines()
    assert first.startswith(f"failed manifest '{path}': cannot be written (File too large)")
    assert second == first
    assert not pictures(tmp_path) and path.read_text() == before


@pytest.mark.parametrize("target", ["/dev/full", "."])
def test_one_that_is_no_file(tmp_path, target):
    images(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "searchtransfer.jsonl").symlink_to(target)
    with pytest.raises(OutputError, match=r"manifest .*cannot be read, for it is no regular file"):
        batch(tmp_path)


def test_a_pickle_belongs_to_the_same_run(tmp_path):
    import pickle

    manifest = Manifest(tmp_path)
    assert pickle.loads(pickle.dumps(manifest)).run == manifest.run != Manifest(tmp_path).run
