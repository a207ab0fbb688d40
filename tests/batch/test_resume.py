# SPDX-License-Identifier: Apache-2.0
"""A batch that was stopped at a bad moment goes on; one on a full disk loses nothing."""

import numpy as np
import pytest
from batch.folders import full_disk
from cli.commands import command
from scenes import reduced, results, save, sharp, tree


@pytest.fixture
def folder(tmp_path):
    for seed in range(3):
        save(tmp_path / "in" / f"{seed}.png", reduced(sharp(seed)))
    save(tmp_path / "ref.png", sharp())
    return tmp_path


def upscale(folder, *more):
    where = "-i", folder / "in", "-r", folder / "ref.png", "-o", folder / "out"
    return command("upscale", *where, "-n", "transfer", *more)


@pytest.mark.parametrize("gone", [["0.png"], ["0.png", "0.html"], ["0.png", "map"]])
def test_a_report_without_its_result(folder, gone):
    """Reports and maps are written first: a kill leaves them without the result."""
    more = "--on-exists", "skip", "--report", folder / "out", "--score-map", folder / "maps"
    assert upscale(folder, *more).exit_code == 0
    before = tree(folder)
    for name in gone:
        (folder / "maps" / "0.png" if name == "map" else folder / "out" / name).unlink()
    kept = [x for x in (folder / "out" / "0.html", folder / "maps" / "0.png") if x.exists()]
    stamps = [path.stat().st_mtime_ns for path in kept]
    done = upscale(folder, *more)
    assert done.exit_code == 0, done.stderr
    assert "1 done, 2 skipped" in done.stdout
    assert tree(folder) == before
    assert [path.stat().st_mtime_ns for path in kept] == stamps


@pytest.fixture
def small_disk(folder):
    """A file system of 32 KiB below the output folder."""
    with full_disk(folder / "out", "32k") as place:
        yield place


def test_a_disk_that_is_really_full(folder, small_disk):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    save(folder / "in" / "1.png", noise)
    done = upscale(folder)
    assert done.exit_code == 1
    assert results(small_disk) == ["0.png"]
    assert "1.png': cannot be written (No space left on device)" in done.stderr
    assert "2.png': not begun, because the disk is full; free some space" in done.stderr
