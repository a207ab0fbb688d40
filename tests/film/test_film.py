# SPDX-License-Identifier: Apache-2.0
"""Films from end to end: times, sound, parts, damage, and what is refused."""

import io
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import mean

import av
import numpy as np
import pytest
import torch
from cli.commands import arguments, command, environment
from clips import frames, packets, pan, small_of, times, write_film
from PIL import Image as PILImage

from searchtransfer import Upscaler
from searchtransfer.errors import ImageFileError, MissingExtraError, OptionError, OutputError
from searchtransfer.evaluation import psnr
from searchtransfer.film import (
    FilmSettings,
    KeyFilm,
    KeyFolder,
    Keyframes,
    read_film,
    upscale_film,
)
from searchtransfer.images import Image, degrade, up, write_image
from searchtransfer.process.stop import Stop, Stopped

SHARP = pan(1, 6) + pan(2, 3)


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler.from_pretrained("transfer")


@pytest.fixture(scope="module")
def keyframes() -> Keyframes:
    return Keyframes([SHARP[0], SHARP[6]])


as_users_run = pytest.mark.usefixtures("as_users_run")
"""Shapes are checked in `test_seeded_frames...`; elsewhere that costs time."""


@as_users_run
def test_irregular_times_sound_and_shape_are_kept(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    pts = [0, 1280, 2573, 3584, 5120, 6400, 7700, 9000, 10240]
    small = write_film(
        tmp_path / "small.mp4",
        small_of(SHARP),
        codec="libx264",
        pix_fmt="yuv420p",
        pts=pts,
        time_base=Fraction(1, 12800),
        sound=True,
        aspect=Fraction(4, 3),
        matrix=1,
    )
    large = tmp_path / "big.mp4"
    outcome = upscale_film(small, large, upscaler, keyframes, FilmSettings(segment=0.5))
    assert (outcome.frames, outcome.cuts, outcome.size) == (9, 1, (64, 96))
    assert times(large) == times(small)
    assert packets(large, "audio") == packets(small, "audio")
    film, before = read_film(large), read_film(small)
    assert film.aspect == before.aspect == Fraction(4, 3)
    assert (film.pixels.matrix, film.pixels.full) == (1, False)
    assert film.pixels.format == "yuv420p" and film.codec == "h264"
    assert list(tmp_path.glob(".*")) == []  # no part is left


@as_users_run
@pytest.mark.parametrize(
    ("pix_fmt", "codec", "full"),
    [("yuv420p10le", "hevc", False), ("yuv444p", "h264", True), ("gray", "h264", False)],
)
def test_depth_sampling_and_range_are_kept(
    tmp_path: Path,
    upscaler: Upscaler,
    keyframes: Keyframes,
    pix_fmt: str,
    codec: str,
    full: bool,
) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP[:2]), pix_fmt=pix_fmt, full=full)
    large = tmp_path / "big.mkv"
    upscale_film(small, large, upscaler, keyframes, FilmSettings(quality=90))
    film = read_film(large)
    assert film.pixels.format == ("yuv420p" if pix_fmt == "gray" else pix_fmt)
    assert (film.codec, film.pixels.full) == (codec, full)
    picture = frames(large)[1]
    if pix_fmt == "gray":
        assert float((picture.amax(0) - picture.amin(0)).max()) < 0.02
    else:
        assert psnr(picture, SHARP[1]) > psnr(up(frames(small)[1], 4), SHARP[1]) + 1


@as_users_run
def test_av1_and_a_chosen_codec(tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP[:2]))
    upscale_film(small, tmp_path / "big.webm", upscaler, keyframes)
    assert read_film(tmp_path / "big.webm").codec == "av1"
    with pytest.raises(OptionError, match="av1 only"):
        upscale_film(small, tmp_path / "b.webm", upscaler, keyframes, FilmSettings(codec="h264"))
    with pytest.raises(OutputError, match="mp4"):
        upscale_film(small, tmp_path / "big.avi", upscaler, keyframes)


def test_seeded_frames_are_as_good_as_single_ones(upscaler: Upscaler) -> None:
    from searchtransfer.film import Maker

    low = small_of(SHARP)
    kinds = {}
    for seeded in (True, False):
        maker = Maker(upscaler, Keyframes([SHARP[0], SHARP[6]]), lossy=False, seeded=seeded)
        made = [maker.make(x, i / 10) for i, x in enumerate(low)]
        assert [i for i, x in enumerate(made) if x.cut] == [6]
        kinds[seeded] = made
    assert [x.followed for x in kinds[True]] == [i not in (0, 2, 6, 8) for i in range(9)]
    assert not any(x.followed for x in kinds[False])
    for ours, single, truth in zip(kinds[True], kinds[False], SHARP, strict=True):
        assert psnr(ours.colour, truth) > psnr(single.colour, truth) - 0.3


def test_keyframes_serve_their_neighbours_and_few_are_held(tmp_path: Path) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP))
    film = read_film(small)
    folder = tmp_path / "keys"
    folder.mkdir()
    for number in (0, 4, 6, 8):
        write_image(Image(SHARP[number]), folder / f"key-{number:03}.png")
    by_name = KeyFolder(folder, film)
    assert by_name.times == pytest.approx([0.0, 0.4, 0.6, 0.8])
    sharp = write_film(
        tmp_path / "sharp.mkv", [SHARP[i] for i in (0, 4, 6, 8)], pts=[0, 400, 600, 800]
    )
    by_film = KeyFilm(read_film(sharp))
    assert by_film.times == pytest.approx(by_name.times)
    for source in (by_name, by_film):
        keys = Keyframes(timed=source, most=2)
        served = [tuple(x.number for x in keys.at(i / 10).prepared) for i in range(13)]
        assert served[0] == (0, 1) and served[4] == served[5] == (1, 2)
        assert served[7] == (2, 3) and served[12] == (3,)
        assert keys.prepared == 4 and len(keys._held) == 2
        assert keys.at(0.42) is keys.at(0.5)
    write_image(Image(SHARP[0]), folder / "nameless.png")
    with pytest.raises(ImageFileError, match="nameless"):
        KeyFolder(folder, film)


@as_users_run
def test_a_stopped_run_goes_on_and_makes_the_same(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP), codec="libx264", pix_fmt="yuv420p")
    settings = FilmSettings(segment=0.3)
    whole = tmp_path / "whole.mkv"
    upscale_film(small, whole, upscaler, keyframes, settings)
    stop = Stop()
    seen: list[str] = []

    def progress(stage: str, done: float) -> None:
        seen.append(stage)
        if stage.startswith("frame 5"):
            stop.requested.set()

    broken = tmp_path / "broken.mkv"
    with pytest.raises(Stopped):
        upscale_film(small, broken, upscaler, keyframes, settings, progress=progress, stop=stop)
    assert not broken.exists()
    assert len(list((tmp_path / ".broken.mkv.searchtransfer").glob("*.mp4"))) == 1
    outcome = upscale_film(small, broken, upscaler, keyframes, settings)
    assert outcome.kept == 3 and outcome.frames == 9
    assert [x[0] for x in packets(broken, "video")] == [x[0] for x in packets(whole, "video")]
    # Parts of other settings are not used.
    stop = Stop()
    with pytest.raises(Stopped):
        upscale_film(small, tmp_path / "c.mkv", upscaler, keyframes, settings,
                     progress=progress, stop=stop)  # fmt: skip
    other = replace(settings, quality=20)
    assert upscale_film(small, tmp_path / "c.mkv", upscaler, keyframes, other).kept == 0


def test_killed_and_started_again(tmp_path: Path) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP * 5))
    write_image(Image(SHARP[0]), tmp_path / "key.png")
    words = arguments(
        "upscale", "-i", small, "-n", "transfer", "-r", tmp_path / "key.png",
        "-o", tmp_path / "big.mkv",
    )  # fmt: skip
    folder = tmp_path / ".big.mkv.searchtransfer"
    process = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while not (folder / "000000.mp4").is_file() and time.monotonic() < end:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "big.mkv").exists()
    done = subprocess.run(
        [*words, "--json"], capture_output=True, text=True, env=environment(), check=True
    )
    assert '"kept": 0' not in done.stdout and '"frames": 45' in done.stdout
    assert times(tmp_path / "big.mkv") == times(small)
    assert not folder.exists()


@as_users_run
def test_damage_in_the_middle_is_left_out_and_told(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    small = write_film(
        tmp_path / "small.mkv",
        small_of(SHARP * 2),
        codec="libx264",
        pix_fmt="yuv420p",
        options={"g": "6", "bf": "0", "keyint_min": "6"},
    )
    with av.open(str(small)) as file:
        hit = [bytes(x) for x in file.demux(video=0) if x.size][8]
    content = bytearray(small.read_bytes())
    at = content.index(hit)
    content[at + 5 : at + len(hit)] = b"\xff" * (len(hit) - 5)
    small.write_bytes(content)
    outcome = upscale_film(small, tmp_path / "big.mkv", upscaler, keyframes)
    assert str(outcome.damage) == "0:00.80 to 0:01.20"
    kept = times(tmp_path / "big.mkv")
    assert kept == [Fraction(i, 10) for i in range(18) if not 8 <= i < 12]


def test_what_is_no_film(tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no film at all")
    with pytest.raises(ImageFileError, match=r"text.mp4.*cannot be read as a film"):
        read_film(text)
    sound = tmp_path / "sound.mp4"
    with av.open(str(sound), "w") as out:
        stream = out.add_stream("aac", rate=8000, layout="mono")
        zeros = np.zeros((1, 1024), np.float32)
        silence = av.AudioFrame.from_ndarray(zeros, format="fltp", layout="mono")
        silence.sample_rate = 8000
        out.mux([*stream.encode(silence), *stream.encode(None)])
    with pytest.raises(ImageFileError, match=r"no video stream \(it holds audio\)"):
        read_film(sound)
    small = write_film(tmp_path / "small.mkv", small_of(SHARP[:1]))
    with pytest.raises(OptionError, match="--keyframes"):
        upscale_film(small, tmp_path / "big.mkv", upscaler, Keyframes())
    with pytest.raises(OutputError, match="input is never overwritten"):
        upscale_film(small, small, upscaler, keyframes, FilmSettings(on_exists="overwrite"))
    assert frames(small)[0].shape == (3, 16, 24)


@as_users_run
def test_odd_sizes(tmp_path: Path) -> None:
    odd = [x[:, :15, :23] for x in small_of(SHARP[:2])]
    small = write_film(tmp_path / "small.mkv", odd, pix_fmt="yuv420p")
    for scale, size in ((4, (60, 92)), (3, (44, 68))):
        keys = Keyframes([SHARP[0]], scale=scale)
        out = tmp_path / f"big{scale}.mp4"
        outcome = upscale_film(small, out, Upscaler.from_pretrained("transfer", scale=scale), keys)
        assert read_film(out).size == outcome.size == size
        assert bool(outcome.notes) == (scale == 3)


def test_without_pyav(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtraError, match=r"searchtransfer\[video\]"):
        read_film(tmp_path / "small.mp4")


def test_a_film_as_frames_through_pipes(tmp_path: Path) -> None:
    small = tmp_path / "small.y4m"
    with av.open(str(small), "w", container_options={"strict": "-1"}) as out:
        stream = out.add_stream("wrapped_avframe", rate=10)
        stream.height, stream.width, stream.pix_fmt = 16, 24, "yuv420p10le"
        for number, low in enumerate(small_of(SHARP[:3])):
            levels = (255 * low).round().byte().permute(1, 2, 0).contiguous().numpy()
            frame = av.VideoFrame.from_ndarray(levels, format="rgb24").reformat(
                format="yuv420p10le"
            )
            frame.pts = number
            out.mux(stream.encode(frame))
    write_image(Image(SHARP[0]), tmp_path / "key.png")
    words = arguments("upscale", "-i", "-", "-n", "transfer", "-r", tmp_path / "key.png", "-o", "-")
    done = subprocess.run(
        words, input=small.read_bytes(), capture_output=True, env=environment(), check=True
    )
    assert done.stdout.startswith(b"YUV4MPEG2 W96 H64 F10:1")
    (tmp_path / "big.y4m").write_bytes(done.stdout)
    film = read_film(tmp_path / "big.y4m")
    assert film.pixels.format == "yuv420p10le"
    made = frames(tmp_path / "big.y4m")
    assert len(made) == 3
    assert psnr(made[1], SHARP[1]) > psnr(up(frames(small)[1], 4), SHARP[1]) + 1
    assert b"3 frames of 96 x 64" in done.stderr
    # A stream that is cut off: what was whole is made.
    cut = subprocess.run(
        words,
        input=small.read_bytes()[:-100],
        capture_output=True,
        env=environment(),
        check=False,
    )
    (tmp_path / "cut.y4m").write_bytes(cut.stdout)
    assert len(frames(tmp_path / "cut.y4m")) == 2


def test_pictures_survive_a_round_trip() -> None:
    from searchtransfer.film.pixels import Pixels, colour_of, frame_of

    smooth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 2, 2), (24, 32), mode="bicubic", align_corners=False
    )[0].clamp(0.05, 0.95)
    for down, across in ((2, 2), (1, 2), (1, 1)):
        for bits in (8, 10):
            for matrix in (1, 6, 9):
                for full in (True, False):
                    pixels = Pixels(down, across, bits, False, matrix, full)
                    back = colour_of(frame_of(smooth, pixels), pixels)
                    worst = float((back - smooth).abs().max()) * 255
                    assert worst < (3.0 if across == 1 else 16.0) / (1 if bits == 8 else 1.3)


def test_options_for_images_and_for_films(tmp_path: Path) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP[:1]))
    write_image(Image(SHARP[0]), tmp_path / "key.png")
    for words, said in (
        (["--report", "page.html"], "--report is for images"),
        (["--pair-by", "name"], "--pair-by is for images"),
        (["--quality", "101"], "quality must be from 1 to 100"),
        (["--keyframes", tmp_path / "key.png"], "a single photo is a reference"),
    ):
        done = command("upscale", small, "-o", tmp_path / "big.mkv", *words)
        assert done.exit_code != 0 and said in " ".join(done.stderr.split())
    done = command("upscale", tmp_path / "key.png", "--codec", "hevc", "-o", tmp_path / "x.png")
    assert done.exit_code == 2 and "are for films" in " ".join(done.stderr.split())
    done = command("upscale", tmp_path, "missing.mp4", "-o", tmp_path / "big.mkv")
    assert done.exit_code == 2 and "one film at a time" in done.stderr
    done = command("upscale", tmp_path / "missing.mp4", "-o", tmp_path / "big.mkv")
    assert done.exit_code == 2 and "no such file" in done.stderr


def test_steadied_frames_flicker_less_and_things_still_move(upscaler: Upscaler) -> None:
    from searchtransfer.film import Maker, steadied
    from searchtransfer.film.steadiness import Steadiness

    rng = torch.Generator().manual_seed(3)
    low = [x + 0.03 * torch.randn(x.shape, generator=rng) for x in small_of(SHARP)]
    flicker, quality = {}, {}
    maker = Maker(upscaler, Keyframes([SHARP[0], SHARP[6]]), lossy=False)
    as_made = [maker.make(x.clamp(0, 1), i / 10) for i, x in enumerate(low)]
    for steady in (True, False):
        measured = Steadiness("ours")
        made = [x.colour for x in (steadied(as_made) if steady else as_made)]
        for ours, truth in zip(made[:6], SHARP[:6], strict=True):
            measured.add({"ours": ours}, truth)
        flicker[steady] = measured.means["ours"]
        quality[steady] = [psnr(x, t) for x, t in zip(made, SHARP, strict=True)]
    assert flicker[True] < 0.9 * flicker[False]
    gain = [a - b for a, b in zip(quality[True], quality[False], strict=True)]
    known = (0, 6)  # their very moments are in photos: they were nearly the truth
    assert [x.weight > 2 for x in as_made] == [i in known for i in range(9)]
    assert mean(x for i, x in enumerate(gain) if i not in known) > 0.3
    assert min(x for i, x in enumerate(gain) if i not in known) > -1
    assert all(quality[True][i] > 38 for i in known)


def test_steadied_frames_keep_their_order_and_cuts(upscaler: Upscaler) -> None:
    from searchtransfer.film import Made, steadied

    def made(level: float, cut: bool = False) -> Made:
        small = torch.full((3, 4, 5), level)
        return Made(torch.full((3, 16, 20), level), small, 6.0, None, cut, False)

    given = [made(i / 1000) for i in range(37)] + [made(0.9, cut=True)]
    asked: list[int] = []

    def frames() -> Iterator[Made]:
        for i, x in enumerate(given):
            asked.append(i)
            yield x

    shown = []
    for i, x in enumerate(steadied(frames())):
        assert len(asked) <= i + 16  # so many are held at most
        shown.append(x)
    assert all(a.small is b.small for a, b in zip(shown, given, strict=True))
    levels = [float(x.colour.mean()) for x in shown]
    assert levels[-1] == pytest.approx(0.9)  # nothing comes across the cut
    assert all(a < b for a, b in pairwise(levels))
    assert max(abs(a - i / 1000) for i, a in enumerate(levels[:37])) < 0.005
    assert list(steadied([])) == []


def test_flicker_of_films_that_do_not_move() -> None:
    from searchtransfer.film.steadiness import Steadiness

    measured = Steadiness("still", "dims")
    for level in (0.0, 0.1, 0.0):
        measured.add({"still": SHARP[0], "dims": SHARP[0] * (1 - level)}, SHARP[0])
    change = 25.5 * float(SHARP[0].mean())
    assert measured.values["still"] == pytest.approx([0, 0], abs=1e-3)
    assert measured.values["dims"] == pytest.approx([change, change], rel=0.1)


@as_users_run
@pytest.mark.parametrize("noise", [0.0, 4.0, 8.0])
def test_what_a_codec_took_is_told_by_the_photos(upscaler: Upscaler, noise: float) -> None:
    from searchtransfer.film import Maker

    rng = torch.Generator().manual_seed(3)
    sharp = pan(5, 1, (128, 160))[0]
    low = small_of([sharp])[0]
    worn = (low + noise / 255 * torch.randn(low.shape, generator=rng)).clamp(0, 1)
    maker = Maker(upscaler, Keyframes([sharp]), lossy=True)
    maker.make(worn, 0.0)
    assert maker.wear is not None
    assert noise - 1 <= maker.wear.level(worn) <= 1.5 * noise + 1.5


def test_signs_of_wear_that_the_photos_have_too_are_the_scene(upscaler: Upscaler) -> None:
    from searchtransfer.film import Maker
    from searchtransfer.wear import wear_of

    file = io.BytesIO()
    levels = (255 * small_of([pan(5, 1, (256, 320))[0]])[0]).round().byte().permute(1, 2, 0).numpy()
    PILImage.fromarray(levels).save(file, "JPEG", quality=30)
    blocks = torch.from_numpy(np.array(PILImage.open(file))).permute(2, 0, 1) / 255
    assert wear_of(blocks).level(blocks) > 0
    photo = up(blocks, 4)
    for _ in range(8):  # until it, reduced, is the frame with its blocks
        photo = (photo + up(blocks - degrade(photo, 4), 4)).clamp(0, 1)
    for lossy in (False, True):
        maker = Maker(upscaler, Keyframes([photo]), lossy=lossy)
        maker.make(blocks, 0.0)
        assert maker.wear is not None and maker.wear.level(blocks) == 0


def test_decoding_times_rise_and_are_never_late() -> None:
    from searchtransfer.film.stamps import decoding_times

    for shown_at in ([0], [0, 4, 2, 1, 3, 9, 7], [10, 20, 30], [5, 100, 50, 60, 400]):
        decoded = decoding_times(shown_at)
        assert all(a < b for a, b in pairwise(decoded))
        assert all(a <= b for a, b in zip(decoded, shown_at, strict=True))


@as_users_run
@pytest.mark.parametrize("codec", ["h264", "hevc", "av1"])
def test_films_of_one_frame_and_of_few(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes, codec: str
) -> None:
    for count in (1, 2):
        name = f"{count}.mp4"
        small = write_film(
            tmp_path / name, small_of(SHARP[:count]), codec="libx264", pix_fmt="yuv420p"
        )
        large = tmp_path / f"big-{name}"
        upscale_film(small, large, upscaler, keyframes, FilmSettings(codec=codec))
        assert times(large) == times(small) and read_film(large).codec == codec


def test_a_moment_that_is_shown_twice_does_not_move() -> None:
    from searchtransfer.film.motion import way_to

    before, now = small_of(SHARP[:2])
    noise = 0.5 / 255 * torch.randn(now.shape, generator=torch.Generator().manual_seed(3))
    assert not way_to(now, now + noise).any()
    assert way_to(before, now).any()
