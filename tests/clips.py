# SPDX-License-Identifier: Apache-2.0
"""Tiny films, made here."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from torch import Tensor

from searchtransfer.images import degrade

RATE = 10


def scene(seed: int, size: tuple[int, int] = (160, 208)) -> Tensor:
    """A picture with edges and texture, `[3, H, W]`."""
    rng = torch.Generator().manual_seed(seed)
    coarse = torch.rand(3, size[0] // 8, size[1] // 8, generator=rng)[None]
    fine = torch.rand(1, 1, *size, generator=rng)
    large = torch.nn.functional.interpolate(coarse, size, mode="bicubic", align_corners=False)
    return (0.8 * large + 0.2 * fine)[0].clamp(0, 1)


def pan(seed: int, count: int, size: tuple[int, int] = (64, 96), step: int = 3) -> list[Tensor]:
    """Sharp frames of a camera that moves over a scene."""
    picture = scene(seed)
    return [
        picture[:, 8 + i % 24 : 8 + i % 24 + size[0], step * i % 72 :][:, :, : size[1]]
        for i in range(count)
    ]


def small_of(frames: Sequence[Tensor]) -> list[Tensor]:
    return [degrade(x, 4) for x in frames]


def write_film(
    path: Path,
    frames: Sequence[Tensor],
    *,
    codec: str = "ffv1",
    pix_fmt: str = "yuv444p",
    pts: Sequence[int] | None = None,
    time_base: Fraction = Fraction(1, 1000),
    rate: int = RATE,
    sound: bool = False,
    aspect: Fraction = Fraction(1),
    full: bool = False,
    matrix: int = 6,
    options: dict[str, str] | None = None,
) -> Path:
    """Write frames as a film; a beep beside them."""
    times = [round(i / rate / time_base) for i in range(len(frames))] if pts is None else pts
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames[0].shape[1:]
        stream.pix_fmt = pix_fmt
        context = stream.codec_context
        context.time_base = stream.time_base = time_base
        context.thread_count = 1
        context.sample_aspect_ratio = aspect
        context.colorspace, context.color_range = matrix, 2 if full else 1
        voice: Any = out.add_stream("aac", rate=8000, layout="mono") if sound else None
        for frame, time in zip(frames, times, strict=True):
            levels = (255 * frame).round().byte().permute(1, 2, 0).contiguous().numpy()
            how: dict[str, Any] = {"dst_color_range": "JPEG" if full else "MPEG"}
            made = av.VideoFrame.from_ndarray(levels, format="rgb24").reformat(
                format=pix_fmt, dst_colorspace="ITU709" if matrix == 1 else "ITU601", **how
            )
            made.pts, made.time_base = time, time_base
            made.colorspace, made.color_range = matrix, 2 if full else 1
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))
        if voice is not None:
            wave = np.sin(np.arange(8000 * max(1, len(frames) // rate)) / 5).astype(np.float32)
            beep = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            beep.sample_rate = 8000
            out.mux([*voice.encode(beep), *voice.encode(None)])
    return path


def y4m(frames: Sequence[Tensor]) -> bytes:
    """Frames as YUV4MPEG2, 4:4:4, full range, grey."""
    height, width = frames[0].shape[1:]
    head = f"YUV4MPEG2 W{width} H{height} F10:1 Ip A16:11 C444 XCOLORRANGE=FULL\n".encode()
    levels = [(255 * x.mean(0)).round().byte().numpy().tobytes() for x in frames]
    return head + b"".join(b"FRAME\n" + x + bytes([128]) * 2 * len(x) for x in levels)


def remuxed(source: Path, target: Path, **options: str) -> Path:
    """The same packets in another container."""
    with av.open(str(source)) as old, av.open(str(target), "w", options=options) as out:
        streams = {x.index: out.add_stream_from_template(x, opaque=True) for x in old.streams}
        for packet in old.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return target


def packets(path: Path, kind: str) -> list[tuple[bytes, Any]]:
    """Content and time of each packet of the first stream of a kind."""
    with av.open(str(path)) as file:
        stream = next(x for x in file.streams if x.type == kind)
        return [(bytes(x), x.pts * x.time_base) for x in file.demux(stream) if x.size]


def times(path: Path) -> list[Fraction]:
    """When the frames of a film are shown."""
    with av.open(str(path)) as file:
        return [x.pts * x.time_base for x in file.decode(video=0)]


def frames(path: Path) -> list[Tensor]:
    """Its frames, decoded by this package."""
    from searchtransfer.film.reading import Damage, frames_of, read_film

    return [x.colour for x in frames_of(read_film(path), Damage())]
