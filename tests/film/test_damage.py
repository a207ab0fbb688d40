# SPDX-License-Identifier: Apache-2.0
"""Films that are not whole: what was good is kept at its times, and the rest is told."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from clips import pan, remuxed, small_of, write_film, y4m

from searchtransfer.evaluation import psnr
from searchtransfer.film import read_film
from searchtransfer.film.decoding import Damage
from searchtransfer.film.reading import Frame, _timed, frames_of

pytestmark = pytest.mark.usefixtures("as_users_run")

LOW = [x for seed in range(1, 7) for x in small_of(pan(seed, 12))]


def read(path: Path) -> tuple[dict[float, Frame], str]:
    """Frames by their times, and the damage in words."""
    damage = Damage()
    frames = list(frames_of(read_film(path), damage))
    found = {round(x.seconds, 3): x for x in frames}
    assert list(found) == sorted(found) and len(found) == len(frames)
    return found, str(damage)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mkv", "libx264"), ("b.webm", "libvpx-vp9"), ("c.mkv", "libx265")]
)
def test_a_hole_that_no_decoder_sees(tmp_path: Path, name: str, codec: str) -> None:
    options = {"g": "12", "x265-params": "log-level=none", "x264-params": "scenecut=0"}
    plain = write_film(
        tmp_path / f"plain-{name}", LOW, codec=codec, pix_fmt="yuv420p",
        options={x: y for x, y in options.items() if x == "g" or x[:4] == codec[3:]},
    )  # fmt: skip
    whole = remuxed(plain, tmp_path / name, cluster_time_limit="400")
    good, said = read(whole)
    assert len(good) == 72 and said == ""
    content = bytearray(whole.read_bytes())
    begin, length = int(0.45 * len(content)), len(content) // 25
    content[begin : begin + length] = bytes(length)
    whole.write_bytes(content)
    left, said = read(whole)
    assert len(left) >= 50 and said
    assert all(psnr(frame.colour, good[at].colour) > 40 for at, frame in left.items())
    first, last = (float(x.split(":")[1]) for x in said.split(" to "))
    lost = [x for x in good if x not in left]
    # A frame before may need one behind, and is lost with it.
    assert lost and min(lost) >= first - 0.21 and max(lost) == pytest.approx(last - 0.1)


@pytest.mark.parametrize("name", ["a.mkv", "b.mp4", "c.webm"])
def test_a_film_that_ends_too_early(tmp_path: Path, name: str) -> None:
    codec = "libvpx-vp9" if name == "c.webm" else "libx264"
    options = {"g": "6"} | ({} if name == "c.webm" else {"bf": "0"})
    plain = write_film(
        tmp_path / f"plain-{name}", LOW[:24], codec=codec, pix_fmt="yuv420p", options=options
    )
    film = remuxed(plain, tmp_path / name, **({"movflags": "faststart"} if name == "b.mp4" else {}))
    good, said = read(film)
    assert len(good) == 24 and said == ""
    film.write_bytes(film.read_bytes()[: int(0.7 * film.stat().st_size)])
    left, said = read(film)
    assert 3 < len(left) < 24 and list(left) == list(good)[: len(left)]
    assert said == f"0:{len(left) / 10:05.2f} to its end"


def test_a_stream_that_is_cut_off(tmp_path: Path) -> None:
    content = y4m(LOW[:3])
    for cut, said in ((0, ""), (100, "0:00.20 to its end")):
        path = tmp_path / "cut.y4m"
        path.write_bytes(content[: len(content) - cut])
        with path.open("rb") as stream:
            damage = Damage()
            frames = list(frames_of(read_film(stream), damage))
        assert (len(frames), str(damage)) == (3 - bool(cut), said)


@dataclass
class _Stamped:
    pts: int | None
    dts: int | None = None
    duration: int = 0


def test_a_stamp_that_is_there_twice_moves_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = read_film(write_film(tmp_path / "small.mkv", LOW[:1]))
    colour = next(frames_of(film, Damage())).colour
    monkeypatch.setattr("searchtransfer.film.reading.colour_of", lambda *_: colour)
    given = [_Stamped(x) for x in (0, 100, 100, 200, 300)]
    assert [x.pts for x in _timed(film, iter(given), 0)] == [0, 100, 101, 200, 300]
    assert [x.pts for x in _timed(film, iter([_Stamped(None)] * 3), 0)] == [0, 100, 200]
    assert film.unit == Fraction(1, 1000)


def test_places_in_complaints() -> None:
    from searchtransfer.film.packets import _place

    assert _place("0x00 at pos 4919 (0x1337) invalid as first byte of an EBML number\n") == 4919
    assert _place("Element at 0x1b4f ending at 0x2ab8 exceeds containing master element") == 0x1B4F
    assert _place("File ended prematurely\n") is _place(None) is None
