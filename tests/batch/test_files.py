# SPDX-License-Identifier: Apache-2.0
"""Which files of a folder are images to be done."""

import os

import pytest

from searchtransfer.batch import images_in
from searchtransfer.errors import ImageFileError


def test_images_of_all_subfolders_sorted(tmp_path):
    wanted = ["b.PNG", "a.jpg", "sub/c.tiff", "sub/deep/d.webp", "naïve 日本\n.jpeg"]
    others = ["notes.txt", ".hidden.png", ".folder/e.png", "raw.cr2", "png"]
    for name in wanted + others:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert images_in(tmp_path) == sorted(tmp_path / name for name in wanted)


def test_empty(tmp_path):
    assert images_in(tmp_path) == []


def test_only_regular_files_and_no_loops(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    (tmp_path / "real.png").touch()
    (tmp_path / "link.png").symlink_to(tmp_path / "real.png")
    assert [path.name for path in images_in(tmp_path)] == ["link.png", "real.png"]


def test_results_are_left_out(tmp_path):
    for name in ("a.png", "out/b.png", "other/out/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = images_in(tmp_path, leave_out=[tmp_path / "other" / ".." / "out"])
    assert [path.name for path in found] == ["a.png", "c.png"]


def test_a_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(ImageFileError, match=r"folder '.*gone': cannot be listed \(No such file"):
        images_in(tmp_path / "gone")
