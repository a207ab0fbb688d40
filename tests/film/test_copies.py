# SPDX-License-Identifier: Apache-2.0
"""What a film has beside its picture, and how its result is described."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from clips import packets, pan, remuxed, small_of, times, write_film

from searchtransfer import Upscaler
from searchtransfer.errors import OutputError
from searchtransfer.film import FilmSettings, Keyframes, read_film, upscale_film
from searchtransfer.film.copying import check_copies

pytestmark = pytest.mark.usefixtures("as_users_run")

SHARP = pan(1, 2)
STYLES = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler.from_pretrained("transfer")


@pytest.fixture(scope="module")
def keyframes() -> Keyframes:
    return Keyframes([SHARP[0]])


def rich(path: Path, folder: Path, text: str, *, second_picture: bool = False) -> Path:
    """A film with two sounds, subtitles in two languages, chapters, and, in Matroska, a font."""
    plain = write_film(
        folder / "plain.mkv", small_of(SHARP), codec="libx264", pix_fmt="yuv420p", sound=True
    )
    with av.open(str(plain)) as old, av.open(str(path), "w") as out:
        picture, sound = old.streams
        made: dict[int, list[Any]] = {0: [out.add_stream_from_template(picture, opaque=True)]}
        if second_picture:
            made[0].append(out.add_stream_from_template(picture, opaque=True))
        made[1] = [out.add_stream_from_template(sound) for _ in range(2)]
        lines = [out.add_stream(text) for _ in range(2)]
        for stream, language in zip([*made[1], *lines], ("eng", "deu", "fra", "ita"), strict=True):
            stream.metadata["language"] = language
        for line in lines:
            line.codec_context.subtitle_header = STYLES
        made[1][0].disposition = av.stream.Disposition.default.value
        made[1][1].disposition = av.stream.Disposition.comment.value
        thousandth = Fraction(1, 1000)
        chapter = {"id": 1, "start": 0, "end": 100, "time_base": thousandth}
        out.set_chapters([{**chapter, "metadata": {"title": "One"}}])
        if path.suffix == ".mkv":
            out.add_attachment("font.ttf", "application/x-truetype-font", b"FONT")
        for number, line in enumerate(lines):
            said = f"line {number}".encode()
            content = len(said).to_bytes(2, "big") + said if text == "mov_text" else said
            packet = av.Packet(content)
            packet.stream, packet.time_base = line, thousandth
            packet.pts = packet.dts = 10
            packet.duration = 50
            out.mux(packet)
        for packet in old.demux():
            if packet.size:
                for stream in made[packet.stream_index]:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, packet.duration
                    copy.time_base, copy.is_keyframe = packet.time_base, packet.is_keyframe
                    copy.stream = stream
                    out.mux(copy)
    return path


def streams_of(path: Path) -> list[tuple[Any, ...]]:
    """Of each stream but those of pictures: kind, language, use, and all packets."""
    with av.open(str(path)) as file:
        found = []
        for x in file.streams:
            if x.type != "video":
                kept = {x.index: [] for x in file.streams}
                found.append((x.index, x.type, x.metadata.get("language"), x.disposition.value))
        for packet in file.demux():
            if packet.size:
                kept[packet.stream_index].append(
                    (bytes(packet), float(packet.pts * packet.time_base))
                )
        return [(kind, *rest, kept[index]) for index, kind, *rest in found]


@pytest.mark.parametrize(("extension", "text"), [(".mkv", "subrip"), (".mp4", "mov_text")])
def test_everything_beside_the_picture_is_kept(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes, extension: str, text: str
) -> None:
    small = rich(tmp_path / f"small{extension}", tmp_path, text)
    large = tmp_path / f"large{extension}"
    outcome = upscale_film(small, large, upscaler, keyframes)
    before = [x for x in streams_of(small) if x[0] != "data"]  # chapters as a text track
    assert [x[0] for x in before][:4] == ["audio", "audio", "subtitle", "subtitle"]
    assert len({str(x[3]) for x in before[:2]}) >= 1 and all(x[3] for x in before[:4])
    assert [x for x in streams_of(large) if x[0] != "data"] == before
    assert all("data" in x for x in outcome.notes)
    with av.open(str(small)) as old, av.open(str(large)) as new:
        chapters = [
            [(x["start"], x["end"], x["metadata"]) for x in y.chapters()] for y in (old, new)
        ]
        fonts = [[x.data for x in y.streams if x.type == "attachment"] for y in (old, new)]
    assert chapters[0] == chapters[1] and len(chapters[0]) == 1
    assert fonts[0] == fonts[1] == ([b"FONT"] if extension == ".mkv" else [])


def test_what_is_not_kept_is_said_before_the_work(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    small = rich(tmp_path / "small.mkv", tmp_path, "subrip", second_picture=True)
    heard: list[str] = []

    def progress(stage: str, done: float) -> None:
        assert heard, "work before the note"

    large = tmp_path / "large.mkv"
    outcome = upscale_film(small, large, upscaler, keyframes, progress=progress, note=heard.append)
    assert heard == outcome.notes
    assert [x.partition(": ")[2] for x in heard] == [
        "not in the result are its streams 1 (video, h264)"
    ]


def test_the_advice_holds_the_stream(tmp_path: Path) -> None:
    text = rich(tmp_path / "text.mp4", tmp_path, "mov_text")
    with pytest.raises(OutputError, match=r"subtitle, mov_text\); write \.mp4 or \.m4v or \.mov$"):
        check_copies(read_film(text), tmp_path / "large.mkv")
    lines = rich(tmp_path / "lines.mkv", tmp_path, "subrip")
    with pytest.raises(OutputError, match=r"write \.mkv$"):
        check_copies(read_film(lines), tmp_path / "large.mp4")


def test_rate_and_tag(tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes) -> None:
    small = write_film(tmp_path / "small.mkv", small_of(SHARP), codec="libx264", pix_fmt="yuv420p")
    for name, rate, tag in (
        ("a.mkv", 10, "\0\0\0\0"),
        ("b.mp4", 10, "hvc1"),
        ("c.mov", 10, "hvc1"),
    ):
        codec = "h264" if name == "a.mkv" else "hevc"
        upscale_film(small, tmp_path / name, upscaler, keyframes, FilmSettings(codec=codec))
        with av.open(str(tmp_path / name)) as file:
            stream = file.streams.video[0]
            assert (stream.average_rate, stream.codec_context.codec_tag) == (rate, tag)


def test_what_coding_takes_is_said(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    for pix_fmt, codec, said in (
        ("yuv444p", "av1", "av1 stores colour for every second pixel"),
        ("yuv420p12le", "auto", "its 12 bits become 10"),
        ("yuva420p", "auto", "its transparency is not kept"),
        ("yuv420p", "av1", None),
    ):
        small = write_film(tmp_path / f"{pix_fmt}.mkv", small_of(SHARP[:1]), pix_fmt=pix_fmt)
        settings = FilmSettings(codec=codec, on_exists="overwrite")
        outcome = upscale_film(small, tmp_path / "large.mkv", upscaler, keyframes, settings)
        assert [x.rpartition(": ")[2] for x in outcome.notes] == ([said] if said else [])


def test_clocks_of_mpeg_begin_at_0_and_go_on(
    tmp_path: Path, upscaler: Upscaler, keyframes: Keyframes
) -> None:
    low = small_of(pan(1, 4)) * 2
    plain = write_film(
        tmp_path / "plain.mkv", low, codec="libx264", pix_fmt="yuv420p", sound=True,
        options={"bf": "0"},
    )  # fmt: skip
    one = remuxed(plain, tmp_path / "one.ts", output_ts_offset="5")
    with av.open(str(one)) as file:
        begin = Fraction(file.start_time, av.time_base)
    assert begin > 4
    as_stored = times(one)
    large = tmp_path / "large.mkv"
    settings = FilmSettings(on_exists="overwrite")
    upscale_film(one, large, upscaler, keyframes, settings)
    assert times(large) == pytest.approx([x - begin for x in as_stored], abs=2e-3)
    sound = [x for _, x in packets(one, "audio")]
    assert [x for _, x in packets(large, "audio")] == pytest.approx(
        [x - begin for x in sound], abs=2e-3
    )
    # Two recordings, one behind the other.
    both = tmp_path / "both.ts"
    both.write_bytes(one.read_bytes() * 2)
    outcome = upscale_film(both, large, upscaler, keyframes, settings)
    shown = times(large)
    assert outcome.frames == len(shown) >= 14 and shown == sorted(set(shown))
    assert float(shown[-1] - shown[0]) == pytest.approx(15 / 10, abs=0.01)
    after = [x for _, x in packets(large, "audio")]
    assert after == sorted(after) and len(after) == 2 * len(sound)
    late = [a - b for a, b in zip(after[len(sound) :], after[: len(sound)], strict=True)]
    # What sounds beyond the picture of the first recording is put before the second.
    assert late[-1] == late[len(late) // 2] == pytest.approx(8 / 10, abs=0.05)
