# SPDX-License-Identifier: Apache-2.0
"""When keyframes are shown, by their names, which of them can be used, and their colours."""

from fractions import Fraction
from pathlib import Path

import pytest
from clips import pan, remuxed, small_of, write_film
from profiles import matrix_profile

from searchtransfer.errors import ImageFileError
from searchtransfer.film import KeyFilm, KeyFolder, read_film
from searchtransfer.images import Image, ImageWarning, Metadata, write_image

SHARP = pan(1, 6)
LOW = small_of(SHARP)


def folder_of(place: Path, *names: str) -> Path:
    folder = place / "keys"
    folder.mkdir()
    for name in names:
        write_image(Image(SHARP[0]), folder / name)
    return folder


def test_numbers_are_those_of_frames_whatever_their_times(tmp_path: Path) -> None:
    keys = folder_of(
        tmp_path, "a-0.png", "a-2.png", "a-5.png", "a-7.png", "b-0.31s.png", "c-2s.png"
    )
    uneven = write_film(
        tmp_path / "small.mkv", LOW, codec="libx264", pix_fmt="yuv420p",
        pts=[40, 100, 300, 330, 900, 1000],
    )  # fmt: skip
    found = KeyFolder(keys, read_film(uneven))
    times = dict(zip([x.name for x in found.paths], found.times, strict=True))
    later = 1 + 2 / float(read_film(uneven).rate)
    assert times == pytest.approx(
        {
            "a-0.png": 0.04,
            "a-2.png": 0.3,
            "b-0.31s.png": 0.31,
            "a-5.png": 1,
            "a-7.png": later,
            "c-2s.png": 2,
        }
    )
    assert list(times) == sorted(times, key=lambda x: times[x])
    # The clock of MPEG streams begins anywhere; the film, and what serves it, at 0.
    steady = write_film(
        tmp_path / "steady.mkv", LOW, codec="libx264", pix_fmt="yuv420p", options={"bf": "0"}
    )
    stream = remuxed(steady, tmp_path / "small.ts", output_ts_offset="50")
    film = read_film(stream)
    assert KeyFolder(keys, film).times[:2] == pytest.approx([0, 0.2])
    assert KeyFilm(film).times == pytest.approx([x / 10 for x in range(6)])


def test_names_that_may_mean_two_things(tmp_path: Path) -> None:
    film = read_film(write_film(tmp_path / "small.mkv", LOW))
    keys = folder_of(tmp_path, "a.0003.png")
    assert KeyFolder(keys, film).times == pytest.approx([0.3])
    write_image(Image(SHARP[0]), keys / "shot2.0003.png")
    with pytest.raises(ImageFileError, match=r"shot2\.0003\.png.*in seconds or in the number"):
        KeyFolder(keys, film)


def test_a_damaged_picture_is_found_before_the_work(tmp_path: Path) -> None:
    film = read_film(write_film(tmp_path / "small.mkv", LOW))
    keys = folder_of(tmp_path, "a-0.png")
    (keys / "a-4.png").write_bytes((keys / "a-0.png").read_bytes()[:500])
    with pytest.raises(ImageFileError, match=r"^keyframe .*a-4\.png.*truncated"):
        KeyFolder(keys, film)
    with pytest.warns(ImageWarning, match=r"a-4\.png.*left out"):
        assert KeyFolder(keys, film, keep_going=True).times == [0.0]
    (keys / "a-0.png").unlink()
    with (
        pytest.warns(ImageWarning, match="left out"),
        pytest.raises(ImageFileError, match="none of its 1 pictures"),
    ):
        KeyFolder(keys, film, keep_going=True)


def test_a_damaged_film_of_keyframes_is_told(tmp_path: Path) -> None:
    film = write_film(
        tmp_path / "sharp.mkv", SHARP, codec="libx264", pix_fmt="yuv420p",
        options={"g": "1"}, time_base=Fraction(1, 1000),
    )  # fmt: skip
    assert str(KeyFilm(read_film(film)).damage) == ""
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    keys = KeyFilm(read_film(film))
    assert 0 < len(keys.times) < 6 and str(keys.damage).endswith("to its end")


def test_pictures_that_are_too_small(tmp_path: Path) -> None:
    film = read_film(write_film(tmp_path / "small.mkv", [x[:, :3, :3] for x in LOW]))
    keys = folder_of(tmp_path)
    write_image(Image(SHARP[0][:, :3, :9]), keys / "a-0.png")
    with pytest.raises(ImageFileError, match=r"a-0\.png': has 9 x 3 pixels, at least 4 x 4"):
        KeyFolder(keys, film)
    assert KeyFolder(keys, film, scale=3).times == [0.0]
    with pytest.raises(ImageFileError, match=r"small\.mkv': has 3 x 3 pixels, at least 4 x 4"):
        KeyFilm(film)


def test_photos_have_the_colours_of_films(tmp_path: Path) -> None:
    swapped = matrix_profile(swap_red_and_green=True)
    keys = folder_of(tmp_path, "a-0.png")
    film = read_film(write_film(tmp_path / "small.mkv", LOW))
    same = KeyFolder(keys, film).picture(0)
    photo = Image(SHARP[0][[1, 0, 2]], metadata=Metadata(icc=swapped))
    write_image(photo, keys / "a-0.png", on_exists="overwrite")
    assert float((KeyFolder(keys, film).picture(0) - same).abs().max()) < 0.06
