# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are images to be done."""

import os

import pytest

from searchtransfer.batch import LeftOut, images_in, plan_batch
from searchtransfer.errors import ImageFileError
from searchtransfer.images import ImageWarning


def test_images_of_all_subfolders_sorted(tmp_path):
    wanted = ["b.PNG", "a.jpg", "sub/c.tiff", "sub/deep/d.webp", "naïve 日本\n.jpeg"]
    others = ["notes.txt", ".hidden.png", ".folder/e.png", "raw.cr2", "png"]
    for name in wanted + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.warns(ImageWarning, match=r"3 left out: 'notes.txt' .*'png' .*'raw.cr2'") as told:
        assert images_in(tmp_path) == sorted(tmp_path / name for name in wanted)
    assert len(told) == 1
    left: list[LeftOut] = []
    images_in(tmp_path, on_left_out=left.append)
    reason = "not an image format that is read here"
    assert [(x.path.name, x.reason) for x in left] == [
        ("notes.txt", reason),
        ("png", "no extension"),
        ("raw.cr2", reason),
    ]


@pytest.mark.parametrize(
    "ending", ["jfif", "jpe", "bmp", "gif", "ppm", "jp2", "tga", "avif", "HEIC"]
)
def test_every_format_that_is_read_is_taken(tmp_path, ending):
    (tmp_path / f"a.{ending}").touch()
    (job,) = plan_batch([tmp_path], str(tmp_path / "out") + "/")
    written = ending if ending in ("jfif", "jpe", "avif") else "png"
    assert job.target == tmp_path / "out" / f"a.{written}"


def test_empty(tmp_path):
    assert images_in(tmp_path) == []


def test_only_regular_files_and_no_loops(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    with pytest.warns(ImageWarning, match=r"'gone.png' \(no regular file\), 'pipe.png'"):
        found = images_in(tmp_path)
    assert [path.name for path in found] == ["link.png", "real.png"]


def test_results_are_left_out(tmp_path):
    for name in ("a.png", "out/b.png", "other/out/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = images_in(tmp_path, leave_out=[tmp_path / "other" / ".." / "out"])
    assert [path.name for path in found] == ["a.png", "c.png"]


def test_a_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(ImageFileError, match=r"folder '.*gone': cannot be listed \(No such file"):
        images_in(tmp_path / "gone")


def test_each_file_that_is_left_out_is_named(tmp_path):
    names = [f"{folder}/{number}.txt" for folder in ("a", "b") for number in range(9)]
    for name in [*names, "a/photo.png"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    with pytest.warns(ImageWarning, match="18 left out") as told:
        images_in(tmp_path)
    for name in names:
        assert str(told[0].message).count(f"'{name}' (not an image format") == 1
