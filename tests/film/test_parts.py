# SPDX-License-Identifier: Apache-2.0
"""Segments of a film that are kept until they are joined."""

import pytest

from searchtransfer.errors import OutputError
from searchtransfer.film.parts import Parts
from searchtransfer.process.stop import Stop, Stopped

pytest.importorskip("av", reason="films need the extra `video`")


def test_what_cannot_be_read_back_is_told(tmp_path):
    parts = Parts(tmp_path / "film.mp4", {"a": 1})
    assert parts.open() == []
    with pytest.raises(OutputError, match=r"000000\.mp4': it was written and cannot be read back"):
        parts.add(b"no film", Stop())
    assert parts.found == []
    parts.remove()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_kept_once_it_was_asked_to_stop(tmp_path):
    parts, stop = Parts(tmp_path / "film.mp4", {}), Stop()
    parts.open()
    stop.requested.set()
    with pytest.raises(Stopped):
        parts.add(b"no film", stop)
    assert sorted(path.name for path in parts.folder.iterdir()) == ["job.json"]


def test_parts_of_another_job_are_removed(tmp_path):
    first = Parts(tmp_path / "film.mp4", {"a": 1})
    first.open()
    (first.folder / "000000.mp4").write_bytes(b"old")
    Parts(tmp_path / "film.mp4", {"a": 2}).open()
    assert not (first.folder / "000000.mp4").exists()


def test_names_that_are_nearly_too_long(tmp_path):
    names = ["x" * 251 + ".mp4", "y" * 251 + ".mp4", "x.mp4"]
    folders = []
    for name in names:
        parts = Parts(tmp_path / name, {})
        assert parts.open() == [] and parts.folder.is_dir() and parts.folder.name[0] == "."
        folders.append(parts.folder)
    assert len(set(folders)) == 3 and folders[2].name == ".x.mp4.searchtransfer"
