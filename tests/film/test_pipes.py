# SPDX-License-Identifier: Apache-2.0
"""YUV4MPEG2 in and out."""

import io
from pathlib import Path

import pytest
from clips import frames, pan, small_of, y4m

from searchtransfer import Upscaler
from searchtransfer.film import Keyframes, read_film, upscale_film
from searchtransfer.process.stop import Stop, Stopped

pytestmark = pytest.mark.usefixtures("as_users_run")

SHARP = pan(1, 2)


def test_odd_sizes_and_the_shape_of_pixels_go_through(tmp_path: Path) -> None:
    odd = tmp_path / "odd.y4m"
    levels = bytes(range(15 * 23 % 256)) + bytes(15 * 23 - 15 * 23 % 256)
    chroma = bytes([128]) * (8 * 12) * 2
    head = b"YUV4MPEG2 W23 H15 F10:1 Ip A16:11 C420jpeg XCOLORRANGE=LIMITED\n"
    odd.write_bytes(head + 2 * (b"FRAME\n" + levels + chroma))
    out = io.BytesIO()
    upscaler = Upscaler.from_pretrained("transfer", scale=3)
    with odd.open("rb") as stream:
        upscale_film(stream, out, upscaler, Keyframes([SHARP[0]], scale=3))
    header = out.getvalue().partition(b"\n")[0]
    assert header.startswith(b"YUV4MPEG2 W69 H45 F10:1 Ip A16:11 C420")
    (tmp_path / "big.y4m").write_bytes(out.getvalue())
    made = frames(tmp_path / "big.y4m")
    assert [tuple(x.shape) for x in made] == [(3, 45, 69)] * 2


def test_a_stream_becomes_a_file(tmp_path: Path) -> None:
    upscaler = Upscaler.from_pretrained("transfer")
    low = small_of(SHARP)
    large = tmp_path / "big.mp4"
    outcome = upscale_film(io.BytesIO(y4m(low)), large, upscaler, Keyframes([SHARP[0]]))
    assert outcome.frames == len(frames(large)) == 2
    assert read_film(large).aspect == read_film(io.BytesIO(y4m(low))).aspect != 1
    assert [x.name for x in tmp_path.iterdir()] == ["big.mp4"]
    # A run that is stopped leaves nothing: the next one could not know what it was made of.
    stop = Stop()
    stop.requested.set()
    with pytest.raises(Stopped):
        upscale_film(
            io.BytesIO(y4m(low)), tmp_path / "b.mp4", upscaler, Keyframes([SHARP[0]]), stop=stop
        )
    assert [x.name for x in tmp_path.iterdir()] == ["big.mp4"]
