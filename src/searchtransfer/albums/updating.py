# SPDX-License-Identifier: Apache-2.0
"""Bringing the index of an album up to date: photos that came, went, moved or changed."""

import time
from collections.abc import Callable, Iterable
from hashlib import file_digest
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from ..errors import ImageFileError
from ..foreign import shown
from ..images import read_image
from ..process.progress import Progress
from .descriptor import Vocabulary, points_of
from .file import Contents, Entry, new_index

LEARN_FROM = 500
"""Photos that a vocabulary is learned from, at most."""

GROWTH = 4
"""How many times as large an album must be before a vocabulary is learned again."""

SECONDS_BETWEEN = 60.0
"""Between two times that a long update is saved."""

Described = dict[Path, Tensor]
"""Descriptors of the keypoints of photos."""


class Update(NamedTuple):
    """What was done."""

    contents: Contents
    changed: bool
    faults: list[str]
    """Photos that cannot be used, and why."""


def updated(
    folder: Path,
    paths: Iterable[Path],
    before: Contents | None,
    reduction: int,
    progress: Progress,
    save: Callable[[Contents], None],
) -> Update:
    """Describe what is new, and forget what is gone.

    Args:
        folder: of the album.
        paths: its photos.
        before: what is known; None: nothing.
        reduction: of photos when they are described.
        progress: hears of it; an exception in it ends the work.
        save: called now and then in a long update.

    Raises:
        ImageFileError: no photo can be used.
    """
    there = {path.relative_to(folder).as_posix(): path for path in paths}
    described: Described = {}
    if before is None or len(there) > GROWTH * max(before.learned_from, 25):
        before = _learned(list(there.values()), reduction, progress, described)
    gone = [x for name, x in before.entries.items() if name not in there]
    faults: list[str] = []
    changed = bool(gone)
    # Photos that moved, or changed their time only, are known by their content.
    known = {x.digest: x.key for x in before.entries.values() if x.key >= 0}
    entries: dict[str, Entry] = {}
    saved = time.monotonic()
    new = 1 + max((x.key for x in before.entries.values()), default=-1)
    for number, (name, path) in enumerate(there.items()):
        progress("album", number / len(there))
        entry = before.entries.get(name)
        try:
            state = path.stat()
            if entry is None or (entry.size, entry.changed) != (state.st_size, state.st_mtime_ns):
                changed = True
                with path.open("rb") as file:
                    digest = file_digest(file, "sha256").hexdigest()
                key = known.get(digest)
                if key is None:
                    key = _add(path, before, described, new, faults)
                    new = max(new, key + 1)
                    known[digest] = key
                entry = Entry(name, state.st_size, state.st_mtime_ns, digest, key)
            elif entry.key < 0:
                faults.append(f"{shown(path)} cannot be used")
        except OSError as error:  # it went meanwhile
            faults.append(f"{shown(path)}: {error.strerror}")
            continue
        entries[name] = entry
        if changed and time.monotonic() - saved > SECONDS_BETWEEN:
            rest = {x: y for x, y in before.entries.items() if x in there}
            save(_with(before, rest | entries))
            saved = time.monotonic()
    progress("album", 1.0)
    used = {x.key for x in entries.values()}
    for key in {int(x) for x in before.index.keys} - used:
        before.index.remove(key)
    if not used - {-1}:
        raise ImageFileError(
            f"album {shown(folder)}: none of its {len(there)} photos can be used; {faults[:3]}"
        )
    return Update(_with(before, entries), changed, faults)


def _with(contents: Contents, entries: dict[str, Entry]) -> Contents:
    return Contents(
        contents.reduction, contents.vocabulary, contents.index, entries, contents.learned_from
    )


def _add(path: Path, contents: Contents, described: Described, key: int, faults: list[str]) -> int:
    """Add a photo to the index; returns its key, -1 where it cannot be read."""
    points = described.pop(path, None)
    try:
        if points is None:
            points = points_of(read_image(path).colour, contents.reduction).descriptor
    except ImageFileError as error:
        faults.append(str(error))
        return -1
    contents.index.add(key, contents.vocabulary.describe(points), threads=1)
    return key


def _learned(
    paths: list[Path], reduction: int, progress: Progress, described: Described
) -> Contents:
    """A vocabulary of an album, whose index is empty; what was read for it is described."""
    step = max(1, -(-len(paths) // LEARN_FROM))
    some = paths[::step]
    for number, path in enumerate(some):
        progress("vocabulary of the album", number / len(some))
        try:
            described[path] = points_of(read_image(path).colour, reduction).descriptor
        except (ImageFileError, OSError):
            continue  # it is told when all are described
    points = [x for x in described.values() if len(x)]
    if not points:
        raise ImageFileError(
            "album: none of its photos shows anything that can be found again, or can be read"
        )
    vocabulary = Vocabulary.learn(points)
    return Contents(reduction, vocabulary, new_index(vocabulary.size), {}, len(paths))
