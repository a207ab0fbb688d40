# SPDX-License-Identifier: Apache-2.0
"""An album: which of many photos show the same as a small image."""

import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from ..errors import ImageFileError, OptionError
from ..foreign import shown
from ..images import Image, ImageWarning, read_image
from ..images.files import images_in
from ..images.listing import LeftOut
from ..process.progress import Progress, callback
from ..references.geometry import Keypoints, planes
from . import file
from .descriptor import points_of
from .updating import updated

INDEX = ".searchtransfer-album"
"""Name of the index in the folder of an album."""

CANDIDATES = 12
"""Photos that are looked at by geometry for an image, at most."""

VERIFIED_AREA, VERIFIED_POINTS = 120_000, 1500
"""Of a picture when it is compared by geometry."""

ENOUGH = 16
"""Keypoints on common planes by which two pictures show the same."""

KEPT = 256
"""Photos whose keypoints are kept, the latest: about 0.8 MB each."""


class Similar(NamedTuple):
    """A photo of an album."""

    path: Path
    similarity: float
    """Cosine of the two descriptors, -1 to 1."""


class Album:
    """Photos with an index that says which of them resemble a picture. For any number of threads.

    A pickle of it is opened again from its index, without looking for changes.

    Args:
        folder: of the photos.
        index: file of the index.
        contents: of that file.
    """

    def __init__(self, folder: Path, index: Path, contents: file.Contents) -> None:
        self.folder, self.index = folder, index
        self._contents = contents
        self._paths: dict[int, list[str]] = {}
        """Of each descriptor; several where photos have the same content."""
        for entry in contents.entries.values():
            if entry.key >= 0:
                self._paths.setdefault(entry.key, []).append(entry.path)
        self._points: OrderedDict[str, Keypoints] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return sum(map(len, self._paths.values()))

    def __reduce__(self) -> tuple[object, tuple[Path, Path, int]]:
        return _opened, (self.folder, self.index, self._contents.reduction)

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        scale: int = 4,
        index: Path | None = None,
        on_progress: Progress | None = None,
        on_left_out: Callable[[LeftOut], None] | None = None,
    ) -> "Album":
        """Open an album, and bring its index up to date.

        Args:
            folder: of photos, and of folders of them.
            scale: how many times smaller the images are that will be asked for.
            index: file of the index; None: `.searchtransfer-album` in the folder.
            on_progress: called as `on_progress(stage, done)`; an exception in it ends the work.
            on_left_out: hears of each file that is no image; None: a warning names them.

        Raises:
            OptionError: the folder is none.
            ImageFileError: it cannot be listed, or no photo can be used.
            OutputError: the index cannot be written, or another file has its name.
            MissingExtraError: the extra `album` is not installed.

        Warns:
            ImageWarning: photos are left out.
        """
        if not folder.is_dir():
            raise OptionError(f"--album {shown(folder)}: is no folder")
        path = index or folder / INDEX
        photos = images_in(folder, on_left_out=on_left_out)
        if not photos:
            raise ImageFileError(f"album {shown(folder)}: has no photos")
        file.new_index(1)  # what is missing is told before the work
        done = updated(
            folder,
            photos,
            file.read(path, scale),
            scale,
            callback(on_progress),
            lambda contents: file.write(path, contents),
        )
        if done.changed:
            file.write(path, done.contents)
        if done.faults:
            warnings.warn(
                f"album {shown(folder)}: {_count(len(done.faults))} left out: "
                f"{'; '.join(map(str, done.faults))}",
                ImageWarning,
                stacklevel=2,
            )
        return cls(folder, path, done.contents)

    def similar(self, picture: Float[Tensor, "3 h w"], count: int = CANDIDATES) -> list[Similar]:
        """The photos that resemble a small image most, by their descriptors alone.

        Args:
            picture: the small image, in [0, 1].
            count: how many, at most.
        """
        points = points_of(picture, 1)
        vector = self._contents.vocabulary.describe(points.descriptor)
        if not vector.any():
            return []
        found = self._contents.index.search(vector, count, threads=1)
        pairs = zip(found.keys.tolist(), found.distances.tolist(), strict=True)
        return [
            Similar(self._path_of(key), 1 - distance)
            for key, distance in pairs
            if key in self._paths
        ]

    def _path_of(self, key: int) -> Path:
        """One of those with this content, which is still there if any is."""
        paths = [self.folder / name for name in self._paths[key]]
        return next((path for path in paths if path.is_file()), paths[0])

    def choose(
        self, picture: Float[Tensor, "3 h w"], top: int = 3, *, leave_out: Path | None = None
    ) -> list[Path]:
        """The photos that show the same as a small image, verified by geometry.

        Args:
            picture: the small image, in [0, 1].
            top: how many, at most.
            leave_out: a photo that does not count: the image itself.

        Returns:
            Those that share most first; none where nothing shows the same.

        Warns:
            ImageWarning: a photo cannot be read any more, and is passed over.
        """
        if isinstance(top, bool) or not isinstance(top, int) or top < 1:
            raise OptionError(f"--top must be a whole number from 1 on, got {top!r}")
        ours: Keypoints | None = None
        found: list[tuple[int, Path]] = []
        for candidate in self.similar(picture, max(CANDIDATES, 3 * top)):
            if leave_out is not None and _same(candidate.path, leave_out):
                continue
            if ours is None:
                ours = points_of(picture, 1, VERIFIED_AREA, VERIFIED_POINTS)
            try:
                theirs = self._keypoints(candidate.path)
            except (ImageFileError, OSError) as error:
                note = f"album {shown(self.folder)}: a photo is passed over ({error})"
                warnings.warn(note, ImageWarning, stacklevel=2)
                continue
            shared = sum(plane.points for plane in planes(ours, theirs))
            if shared >= ENOUGH:
                found.append((shared, candidate.path))
                if len(found) == top:
                    break
        return [path for _, path in sorted(found, key=lambda x: -x[0])]

    def _keypoints(self, path: Path) -> Keypoints:
        """Of a photo, which must still be there."""
        path.stat()
        name = str(path)
        with self._lock:
            if name in self._points:
                self._points.move_to_end(name)
                return self._points[name]
        image: Image = read_image(path)
        points = points_of(image.colour, self._contents.reduction, VERIFIED_AREA, VERIFIED_POINTS)
        with self._lock:
            self._points[name] = points
            while len(self._points) > KEPT:
                self._points.popitem(last=False)
        return points


def _count(photos: int) -> str:
    return "1 photo is" if photos == 1 else f"{photos} photos are"


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _opened(folder: Path, index: Path, reduction: int) -> Album:
    contents = file.read(index, reduction)
    if contents is None:
        raise ImageFileError(
            f"index of the album {shown(index)}: is gone, or was made for another scale meanwhile"
        )
    return Album(folder, index, contents)
