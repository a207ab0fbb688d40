# SPDX-License-Identifier: Apache-2.0
"""A manifest in a folder elsewhere, where files cannot be appended to.

Workers note each item in a file of its own; these are gathered.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..files import LineFile
from .elsewhere import Elsewhere
from .folders import make_folder
from .manifest import Manifest, is_line
from .moving import contents, get, in_folder, put, remove, tidy
from .place import NOTES
from .plan import Job


class Notes:
    """What a worker notes: lines of a manifest here, put elsewhere item by item.

    Args:
        elsewhere: has the folder of results.
        manifest: of the command.
        folder: the folder of results of this process.

    Raises:
        ImageFileError: the manifest cannot be fetched.
    """

    def __init__(self, elsewhere: Elsewhere, manifest: Manifest, folder: Path) -> None:
        self._elsewhere, self._notes = elsewhere, manifest.folder / NOTES
        self._file = folder / NOTES
        self.manifest = Manifest(folder, manifest.run)
        make_folder(folder)
        get(elsewhere, manifest.path, self.manifest.path)
        self._seen = 0
        """Bytes of the manifest here that are elsewhere."""
        self._before = b""
        """What was noted of the item."""

    def get(self, job: Job) -> None:
        """Take what another worker of this run has noted of an item, before it was lost.

        Raises:
            ImageFileError: it cannot be fetched.
        """
        there = get(self._elsewhere, self._name(job), self._file)
        self._before = self._file.read_bytes() if there else b""
        with LineFile(self.manifest.path, "manifest") as file:
            for line in self._before.decode().splitlines():
                file.append(line)
        self._seen = self.manifest.path.stat().st_size

    def put(self, job: Job) -> None:
        """Put what is new.

        Raises:
            OutputError: it cannot be written.
        """
        with self.manifest.path.open("rb") as file:
            file.seek(self._seen)
            new = file.read()
        if new:
            self._file.write_bytes(self._before + new)
            put(self._elsewhere, self._file, self._name(job), "manifest", replace=True)

    def _name(self, job: Job) -> Path:
        item = hashlib.sha256(self._elsewhere.name_of(job.target).encode()).hexdigest()[:16]
        return self._notes / f"{self.manifest.run}-{item}.jsonl"


@contextmanager
def gathered(elsewhere: Elsewhere, manifest: Manifest | None) -> Iterator[None]:
    """Join the manifest elsewhere and what was noted of items, before and after the work.

    Raises:
        OutputError, ImageFileError: it cannot be read or written.
    """
    _gather(elsewhere, manifest)
    try:
        yield
    finally:
        _gather(elsewhere, manifest)
        tidy(elsewhere)


def fetch_manifest(elsewhere: Elsewhere, manifest: Manifest | None) -> None:
    """Get a manifest that lies elsewhere, so that it can be read.

    Raises:
        ImageFileError: it cannot be.
    """
    if manifest is not None and elsewhere.place_of(manifest.folder) is not None:
        get(elsewhere, manifest.path, manifest.path)


def _gather(elsewhere: Elsewhere, manifest: Manifest | None) -> None:
    if manifest is None or elsewhere.place_of(manifest.folder) is None:
        return
    notes, fresh = manifest.folder / NOTES, elsewhere.folder / "manifest"
    there = in_folder(elsewhere, notes)
    names = [x for x in there if x.endswith(".jsonl")]
    fresh.unlink(missing_ok=True)
    get(elsewhere, manifest.path, fresh)
    ours = manifest.path.read_bytes() if manifest.path.exists() else b""
    with LineFile(fresh, "manifest", is_line) as file:
        known = set(fresh.read_bytes().splitlines())
        changed = bool(file.taken_away)
        for content in (ours, *contents(elsewhere, notes, names)):
            for line in content.splitlines():
                if line not in known:
                    known.add(line)
                    file.append(line.decode())
                    changed = True
    if changed:
        put(elsewhere, fresh, manifest.path, "manifest", replace=True)
    # Nobody of ours is at work now: an unfinished file is that of a worker that was lost.
    lost = [x for x in there if f"/{elsewhere.token}-" in x and x.endswith(".part")]
    remove(elsewhere, notes, names + lost)
