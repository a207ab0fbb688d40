# SPDX-License-Identifier: Apache-2.0
"""References by name and by folder; what does not match is told before any work."""

from pathlib import Path

import pytest
from cli.commands import command
from image_files import noise, png
from scenes import reduced, results, save, sharp

from searchtransfer.batch import paired, plan_batch
from searchtransfer.batch.pairing import pair
from searchtransfer.errors import OptionError
from searchtransfer.images import ImageWarning


def files(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def pairs(tmp_path: Path, by: str = "name") -> dict[str, list[str]]:
    jobs = plan_batch([tmp_path / "in"], str(tmp_path / "out"))
    found = pair(jobs, [tmp_path / "ref"], by)
    return {
        x.place.as_posix(): [y.relative_to(tmp_path / "ref").as_posix() for y in x.references]
        for x in found.jobs
    }


def test_by_name(tmp_path):
    files(tmp_path / "in", "a.png", "sub/a.png", "b_1.png", "b.png", "c.x.png")
    files(tmp_path / "ref", "a.jpg", "sub/a_2.tif", "sub/a_1.png", "b_1.png", "b_3.png", "b-2.png")
    files(tmp_path / "ref", "c.x.png", "d.png")
    assert pairs(tmp_path) == {
        "a.png": ["a.jpg"],
        "sub/a.png": ["sub/a_1.png", "sub/a_2.tif"],
        "b_1.png": ["b_1.png"],  # not the first reference of b.png
        "b.png": ["b-2.png", "b_3.png"],
        "c.x.png": ["c.x.png"],
    }


def test_by_folder(tmp_path):
    files(tmp_path / "in", "a.png", "one/b.png", "one/c.png", "one/two/d.png")
    files(tmp_path / "ref", "x.png", "one/y.png", "one/z.png", "one/two/w.png")
    assert pairs(tmp_path, "folder") == {
        "a.png": ["x.png"],
        "one/b.png": ["one/y.png", "one/z.png"],
        "one/c.png": ["one/y.png", "one/z.png"],
        "one/two/d.png": ["one/two/w.png"],
    }


def test_unmatched_names_are_listed(tmp_path):
    files(tmp_path / "in", "a.png", "b.png", "sub/c.png")
    files(tmp_path / "ref", "a.png", "c.png")
    jobs = plan_batch([tmp_path / "in"], str(tmp_path / "out"))
    with pytest.raises(OptionError) as caught:
        paired(jobs, [tmp_path / "ref"], "name", keep_going=False)
    told = str(caught.value)
    assert "no reference for 2 of the inputs" in told
    assert all(f"{tmp_path}/{name}" in told for name in ("in/b.png", "in/sub/c.png", "ref/c.png"))
    assert "--keep-going leaves such inputs out" in told
    with pytest.warns(ImageWarning, match=r"no reference for 2 of the inputs.*left out"):
        kept = paired(jobs, [tmp_path / "ref"], "name", keep_going=True)
    assert [x.source.name for x in kept] == ["a.png"]


def test_references_that_serve_nothing_are_told(tmp_path):
    files(tmp_path / "in", "a.png")
    files(tmp_path / "ref", "a.png", "z.png")
    jobs = plan_batch([tmp_path / "in"], str(tmp_path / "out"))
    with pytest.warns(ImageWarning, match=r"references that serve no input: .*z\.png"):
        paired(jobs, [tmp_path / "ref"], "name", keep_going=False)


def test_names_that_collide_are_listed(tmp_path):
    files(tmp_path / "in", "a.png", "b.png")
    files(tmp_path / "ref", "a.png", "a.jpg", "b.png", "b.tif")
    jobs = plan_batch([tmp_path / "in"], str(tmp_path / "out"))
    with pytest.raises(
        OptionError, match=r"a\.jpg' and '.*a\.png'.*b\.png' and '.*b\.tif'.*number"
    ):
        pair(jobs, [tmp_path / "ref"], "name")
    files(tmp_path / "more", "a.png")
    with pytest.raises(OptionError, match=r"ref/a\.png' and '.*more/a\.png' have the same name"):
        pair(jobs, [tmp_path / "ref", tmp_path / "more"], "folder")


@pytest.mark.parametrize("refs", [[], ["one.png"]])
def test_folders_are_needed(tmp_path, refs):
    files(tmp_path, "in/a.png", "one.png")
    jobs = plan_batch([tmp_path / "in"], str(tmp_path / "out"))
    with pytest.raises(OptionError, match=r"--pair-by needs folders of references \(-r FOLDER\)"):
        pair(jobs, [tmp_path / x for x in refs], "name")


def test_the_command_pairs_and_one_bad_reference_fails_one_image(tmp_path):
    for seed in range(3):
        save(tmp_path / "in" / "sub" / f"{seed}.png", reduced(sharp(seed)))
        save(tmp_path / "ref" / "sub" / f"{seed}.png", sharp(seed))
    (tmp_path / "ref" / "sub" / "1.png").write_bytes(png(noise(9, 9, 3))[:80])
    words = "upscale", "-i", tmp_path / "in", "-r", tmp_path / "ref", "-o", tmp_path / "out"
    done = command(*words, "--pair-by", "name", "-n", "transfer")
    assert done.exit_code == 1, done.output
    assert results(tmp_path / "out") == ["sub", "sub/0.png", "sub/2.png"]
    assert f"reference '{tmp_path}/ref/sub/1.png'" in done.stderr
    assert done.stdout.count("mean score 1.00") or done.stdout.count("mean score 0.9") == 2


def test_the_command_lists_what_does_not_match_and_makes_nothing(tmp_path):
    save(tmp_path / "in" / "a.png", reduced(sharp()))
    save(tmp_path / "ref" / "b.png", sharp())
    words = "upscale", "-i", tmp_path / "in", "-r", tmp_path / "ref", "-o", tmp_path / "out"
    done = command(*words, "--pair-by", "name")
    assert done.exit_code == 2 and "no reference for 1 of the inputs" in done.stderr
    assert not (tmp_path / "out").exists()
