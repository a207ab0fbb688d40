# SPDX-License-Identifier: Apache-2.0
"""What people who have a film type."""

import json
from pathlib import Path

import pytest
from cli.commands import command
from clips import pan, small_of, write_film

from searchtransfer.film import read_film
from searchtransfer.images import Image, write_image

pytestmark = pytest.mark.usefixtures("as_users_run")

SHARP = pan(1, 1)


def test_where_the_result_goes(tmp_path: Path) -> None:
    write_image(Image(SHARP[0]), tmp_path / "key.png")
    for name, codec, result in (
        ("a.mkv", "ffv1", "a-x4.mkv"),
        ("b.mov", "libx264", "b-x4.mov"),
        ("c.avi", "mpeg4", "c-x4.mp4"),
    ):
        film = write_film(tmp_path / name, small_of(SHARP), codec=codec, pix_fmt="yuv420p", rate=25)
        words = (film, "-n", "transfer", "-r", tmp_path / "key.png")
        assert command("upscale", *words).exit_code == 0
        assert read_film(tmp_path / result).size == (64, 96)
    folder = f"{tmp_path}/new/"
    assert command("upscale", *words, "-o", folder).exit_code == 0
    assert [x.name for x in (tmp_path / "new").iterdir()] == ["c.mp4"]
    done = command("upscale", *words, "-o", folder, "--on-exists", "skip", "--json")
    assert json.loads(done.stdout) == {
        "input": str(film),
        "output": f"{tmp_path}/new/c.mp4",
        "status": "skipped",
    }


def test_what_is_lost_is_in_the_facts(tmp_path: Path) -> None:
    write_image(Image(SHARP[0]), tmp_path / "key.png")
    film = write_film(tmp_path / "a.mkv", small_of(SHARP), pix_fmt="yuva420p")
    words = (film, "-n", "transfer", "-r", tmp_path / "key.png", "--json")
    done = command("upscale", *words)
    assert json.loads(done.stdout)["notes"] == [f"film '{film}': its transparency is not kept"]
    assert "warning: film" in done.stderr and "transparency" in done.stderr


def test_keyframes_that_are_not_there(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mkv", small_of(SHARP))
    done = command("upscale", film, "--keyframes", tmp_path / "none", "-o", tmp_path / "b.mkv")
    assert done.exit_code == 2 and "no such film or folder" in " ".join(done.stderr.split())


def test_films_without_their_name(tmp_path: Path) -> None:
    film = write_film(tmp_path / "a.mkv", small_of(SHARP))
    done = command("upscale", film.rename(tmp_path / "a"), "-o", tmp_path / "b.png", "-n", "fusion")
    assert done.exit_code != 0 and "by their extension" in " ".join(done.stderr.split())
