# SPDX-License-Identifier: Apache-2.0
"""Sharp photos of a film: some serve every frame, others those that are near in time."""

import re
import warnings
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from ..errors import ImageFileError
from ..foreign import shown
from ..images import MAX_PIXELS, Image, ImageWarning, read_image, to_profile
from ..images.alpha import with_hidden_filled
from ..images.listing import EXTENSIONS
from ..references import Reference
from ..references.photo import Photo
from .decoding import Damage
from .reading import Film, Frame, frames_of, moments_of

MOST = 6
"""Keyframes that are kept prepared: those in use, and a few more."""

_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s$")
_NUMBER = re.compile(r"(\d+)$")
_EITHER = re.compile(r"\d\.\d+$")


@runtime_checkable
class Source(Protocol):
    """Sharp pictures, each with a time."""

    @property
    def times(self) -> Sequence[float]:
        """In seconds, rising."""
        ...

    def picture(self, number: int) -> Float[Tensor, "3 h w"]:
        """One of them, in [0, 1]."""
        ...


class KeyFolder:
    """A folder of pictures whose names end in the number of a frame, from 0, or in seconds.

    So `key-0025.png` is frame 25, and `key-1.20s.png` is shown after 1.2 seconds. All are read
    once, for a damaged one should not be found after hours.

    Args:
        folder: where they are.
        film: whose frames the numbers are of.
        max_pixels: as in `images.read_image`.
        keep_going: leave out a picture that cannot be used, with a warning.
        scale: of the result; a picture must have so many pixels on either side.

    Raises:
        ImageFileError: there are no pictures, a name has no number, or one cannot be used.

    Warns:
        ImageWarning: a picture was left out.
    """

    def __init__(
        self,
        folder: Path,
        film: Film,
        max_pixels: int = MAX_PIXELS,
        *,
        keep_going: bool = False,
        scale: int = 4,
    ) -> None:
        found = [x for x in folder.iterdir() if x.suffix.lower() in EXTENSIONS]
        if not found:
            raise ImageFileError(f"keyframes {shown(folder)}: the folder holds no pictures")
        times = _Times(film)
        self._max_pixels = max_pixels
        timed = sorted((times.of(x), x) for x in found)
        timed = [x for x in timed if self._can_be_used(x[1], scale, keep_going)]
        if not timed:
            raise ImageFileError(
                f"keyframes {shown(folder)}: none of its {len(found)} pictures can be used; see "
                "the warnings"
            )
        self.times = [time for time, _ in timed]
        self.paths = [path for _, path in timed]

    def _can_be_used(self, path: Path, scale: int, keep_going: bool) -> bool:
        try:
            image = read_image(path, max_pixels=self._max_pixels)
            check_large_enough(shown(path), image.size, scale)
        except ImageFileError as error:
            said = f"keyframe {str(error).removeprefix('image ')}"
            if not keep_going:
                raise ImageFileError(said) from None
            warnings.warn(f"{said}; it is left out", ImageWarning, stacklevel=2)
            return False
        return True

    def picture(self, number: int) -> Float[Tensor, "3 h w"]:
        """Read one."""
        path = self.paths[number]
        image = read_image(path, max_pixels=self._max_pixels)
        return colours_of(image, f"keyframe {shown(path)}")


class KeyFilm:
    """The frames of a sharp film.

    Args:
        film: from `read_film`.
        scale: of the result; its frames must have so many pixels on either side.

    Raises:
        ImageFileError: its frames are smaller.
    """

    def __init__(self, film: Film, scale: int = 4) -> None:
        check_large_enough(film.name, film.size, scale)
        self._film = film
        self.damage = Damage()
        """What of it cannot be decoded, and serves nothing."""
        self.times = [x.seconds for x in frames_of(film, self.damage)]
        self._frames: Iterator[tuple[int, Frame]] = iter(())
        self._next = len(self.times)

    def picture(self, number: int) -> Float[Tensor, "3 h w"]:
        """Decode one; quick where it is not before the last."""
        if number < self._next:
            self._frames = enumerate(frames_of(self._film, Damage()))
        for at, frame in self._frames:
            self._next = at + 1
            if at == number:
                return frame.colour
        raise ImageFileError(f"{self._film.name}: changed while it was read")


class Keyframes:
    """The photos that serve the frames of a film, prepared once, a bounded number at a time.

    Args:
        always: photos that serve every frame, `[3, H, W]` in [0, 1].
        timed: photos that serve their neighbours in time.
        scale: of the result.
        most: timed photos that are kept prepared.
    """

    def __init__(
        self,
        always: Sequence[Float[Tensor, "3 _ _"]] = (),
        timed: Source | None = None,
        scale: int = 4,
        most: int = MOST,
    ) -> None:
        self._scale, self._timed, self._most = scale, timed, max(2, most)
        self._first = len(always)
        self._always = [self._made(x, i) for i, x in enumerate(always)]
        self._held: OrderedDict[int, Photo] = OrderedDict()
        self._last: tuple[tuple[int, ...], Reference] | None = None
        self.prepared = 0
        """Timed photos prepared so far."""

    def __bool__(self) -> bool:
        return bool(self._always or self._timed)

    def at(self, seconds: float) -> Reference:
        """The photos that serve a frame; the same object as long as they are the same."""
        numbers = () if self._timed is None else around(self._timed.times, seconds)
        if self._last is None or self._last[0] != numbers:
            photos = [*self._always, *map(self._photo, numbers)]
            self._last = numbers, Reference.of_prepared(photos)
        return self._last[1]

    def _photo(self, number: int) -> Photo:
        if number not in self._held:
            timed = self._timed
            assert timed is not None  # noqa: S101  # numbers come from its times
            self._held[number] = self._made(timed.picture(number), self._first + number)
            self.prepared += 1
        self._held.move_to_end(number)
        while len(self._held) > self._most:
            self._held.popitem(last=False)
        return self._held[number]

    def _made(self, picture: Tensor, number: int) -> Photo:
        reference = Reference.build([picture], self._scale, copy=False)
        photo = Photo(reference.photos[0], number, self._scale)
        photo.prepare()
        return photo


def colours_of(photo: Image, name: str) -> Float[Tensor, "3 h w"]:
    """The colours of a photo as films have them, which say nothing of profiles: those of sRGB.

    Warns:
        ImageWarning: its profile is damaged, and it is used as it is.
    """
    return with_hidden_filled(to_profile(photo, None, name)).colour


def check_large_enough(name: str, size: tuple[int, int], scale: int) -> None:
    """Raise `ImageFileError` if no cell of a small frame finds room in a picture."""
    if min(size) < scale:
        raise ImageFileError(
            f"{name}: has {size[1]} x {size[0]} pixels, at least {scale} x {scale} are needed for "
            f"scale {scale}"
        )


def around(times: Sequence[float], seconds: float) -> tuple[int, ...]:
    """The numbers of the last of some times that is not after a time, and of the next."""
    after = bisect_right(times, seconds + 1e-6)
    return tuple(x for x in (after - 1, after) if 0 <= x < len(times))


class _Times:
    """When pictures are shown, by their names."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._moments: list[float] | None = None

    def of(self, path: Path) -> float:
        if found := _SECONDS.search(path.stem):
            return float(found[1])
        if _EITHER.search(path.stem):
            raise ImageFileError(
                f"keyframe {shown(path)}: its name may end in seconds or in the number of a frame; "
                "put an s behind seconds, as in key-1.20s.png, and no point before a number, as in "
                "key-0025.png"
            )
        if found := _NUMBER.search(path.stem):
            return self._moment(int(found[1]))
        raise ImageFileError(
            f"keyframe {shown(path)}: its name must end in the number of its frame, from 0, as in "
            "key-0025.png, or in seconds, as in key-1.20s.png"
        )

    def _moment(self, number: int) -> float:
        """Of a frame; behind the last one, as many later as frames are usual."""
        if self._moments is None:
            self._moments = moments_of(self._film) or [0.0]
        last = len(self._moments) - 1
        return self._moments[min(number, last)] + max(0, number - last) / float(self._film.rate)
