# SPDX-License-Identifier: Apache-2.0
"""Which photo is restored with the help of which: the layouts of data sets.

Only names are looked at here; files are opened when a sample is made. Files of a folder that are no
photos, or not of its layout, are left out, and an `ImageWarning` names them.
"""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataError
from ..foreign import shown
from .image import ImageWarning
from .listing import EXTENSIONS, LeftOut, left_out_text, why_not

WHERE_CUFED_IS = "CUFED and CUFED5 are to be had by way of https://github.com/ZZUTK/SRNTT"
_GROUP = re.compile(r"(.+)_(\d+)")


@dataclass(frozen=True)
class Pair:
    """A photo to restore, and photos that may help."""

    target: Path
    """The photo that is reduced and restored."""
    references: tuple[Path, ...] = ()
    """Candidates, one of which is chosen at random; none: the reference is made from the target."""


def cufed_pairs(root: str | Path) -> list[Pair]:
    """CUFED's training layout: `input/NAME` with `ref/NAME`.

    Raises:
        DataError: a folder is missing or empty, or names are in one of the two only.
    """
    root = _there(Path(root))
    left: list[LeftOut] = []
    targets = {path.name: path for path in _photos(root / "input", left)}
    references = {path.name: path for path in _photos(root / "ref", left)}
    unmatched = sorted(targets.keys() ^ references.keys())
    if unmatched:
        raise DataError(
            f"folder {shown(root)}: {len(unmatched)} names are in only one of input/ and ref/: "
            f"{_first(unmatched)}"
        )
    _tell(root, left)
    return [Pair(path, (references[name],)) for name, path in targets.items()]


def cufed_groups(root: str | Path) -> list[Pair]:
    """CUFED5's test layout: `NNN_0.png` is restored, `NNN_1.png` to `NNN_5.png` help.

    References stay in the order of their numbers, which is that of falling similarity.

    Raises:
        DataError: the folder is missing or empty, or a group has no target or no reference.
    """
    root = _there(Path(root))
    groups: dict[str, dict[int, Path]] = {}
    left: list[LeftOut] = []
    for path in _photos(root, left):
        match = _GROUP.fullmatch(path.stem)
        if not match:
            left.append(LeftOut(path, "not named NAME_0, NAME_1, ..."))
            continue
        group, number = groups.setdefault(match[1], {}), int(match[2])
        if number in group:
            raise DataError(
                f"folder {shown(root)}: {shown(group[number].name)} and {shown(path.name)} have "
                "the same number in their group; rename one"
            )
        group[number] = path
    faulty = [name for name, group in groups.items() if 0 not in group or len(group) < 2]
    if faulty or not groups:
        raise DataError(
            f"folder {shown(root)}: expected groups of NAME_0 and NAME_1, NAME_2, ...; "
            + (f"not complete: {_first(faulty)}" if faulty else "found none")
        )
    _tell(root, left)
    return [
        Pair(group[0], tuple(group[number] for number in sorted(group) if number))
        for _, group in sorted(groups.items())
    ]


def scene_pairs(root: str | Path, neighbours: int | None = None) -> list[Pair]:
    """A folder of scenes, each a folder of photos of one place: any photo with any neighbour.

    Args:
        root: holds a folder for each scene; or photos, and is a scene itself.
        neighbours: how far apart two photos may be in the order of names; None: any distance.

    Raises:
        DataError: the folder is missing, or a scene has fewer than two photos.
    """
    root = Path(root)
    entries = _entries(root)
    folders = [path for path in entries if path.is_dir()]
    left = [LeftOut(x, "beside the folders of scenes") for x in entries if folders and x.is_file()]
    pairs = []
    for folder in folders or [root]:
        photos = _photos(folder, left)
        if len(photos) < 2:
            raise DataError(
                f"folder {shown(folder)}: a scene needs at least two photos, found {len(photos)}"
            )
        reach = len(photos) if neighbours is None else neighbours
        for i, target in enumerate(photos):
            near = photos[max(0, i - reach) : i] + photos[i + 1 : i + 1 + reach]
            pairs.append(Pair(target, tuple(near)))
    _tell(root, left)
    return pairs


def single_photos(root: str | Path) -> list[Pair]:
    """Photos without partners, in a folder and the folders below it.

    Raises:
        DataError: the folder is missing, or no photo is in it.
    """
    root = Path(root)
    _entries(root)
    left: list[LeftOut] = []
    photos = _sorted_out(root.rglob("*"), left)
    if not photos:
        raise DataError(
            f"folder {shown(root)}: no photo is in it or below it ({', '.join(sorted(EXTENSIONS))})"
        )
    _tell(root, left)
    return [Pair(path) for path in photos]


def list_pairs(path: str | Path) -> list[Pair]:
    """A text file: on each line a target and its references, separated by tabs.

    Relative names start at the folder of the list. Empty lines and lines that begin with `#` are
    left out. A line with a target alone makes a pair of it as `single_photos` does.

    Raises:
        DataError: the file is missing, no text, or empty, or names a file that is not there.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"list {shown(path)}: cannot be read as a list: {error}") from None
    pairs = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        files = [path.parent / name.strip() for name in line.split("\t") if name.strip()]
        for file in files:
            if not file.is_file():
                raise DataError(
                    f"list {shown(path)}, line {number}: there is no file {shown(file)}"
                )
        pairs.append(Pair(files[0], tuple(files[1:])))
    if not pairs:
        raise DataError(f"list {shown(path)}: lists no pair")
    return pairs


def _there(root: Path) -> Path:
    if not root.exists():
        raise DataError(f"folder {shown(root)}: is not there; {WHERE_CUFED_IS}")
    return root


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"folder {shown(folder)}: cannot be read as a folder: {error.strerror}"
        ) from None


def _sorted_out(entries: Iterable[Path], left: list[LeftOut]) -> list[Path]:
    """The photos among what a folder holds; other files join those that are left out."""
    photos = []
    for path in sorted(entries):
        if path.name.startswith(".") or path.is_dir():
            continue
        if reason := why_not(path):
            left.append(LeftOut(path, reason))
        else:
            photos.append(path)
    return photos


def _photos(folder: Path, left: list[LeftOut]) -> list[Path]:
    photos = _sorted_out(_entries(folder), left)
    if not photos:
        raise DataError(
            f"folder {shown(folder)}: no photo is in it ({', '.join(sorted(EXTENSIONS))})"
        )
    return photos


def _tell(root: Path, left: list[LeftOut]) -> None:
    if left:
        said = f"folder {shown(root)}: {left_out_text(sorted(left))}"
        warnings.warn(said, ImageWarning, stacklevel=3)


def _first(names: list[str], count: int = 5) -> str:
    more = f", and {len(names) - count} more" if len(names) > count else ""
    return ", ".join(names[:count]) + more
