# SPDX-License-Identifier: Apache-2.0
"""The manifest of a folder of results: a line of JSON for each that was made or failed."""

import json
import os
import secrets
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from ..errors import OutputError
from ..files import LineFile
from ..foreign import shown
from ..images import ImageWarning
from ..images.files import MANIFEST
from .claim import folders_stay
from .folders import make_folder
from .identity import hash_of, hash_of_file, versions

FORMAT = 1
MOST_LISTED = 20
"""References that a line lists; of more it has the number and the digest of all."""


@dataclass(frozen=True)
class Origin:
    """What a result is made of."""

    input: str
    input_hash: str
    references: tuple[tuple[str, str], ...]
    """Paths and digests, in their order."""
    settings: Mapping[str, object]

    @classmethod
    def of(
        cls, source: Path, references: Sequence[Path], settings: Mapping[str, object]
    ) -> "Origin":
        """Read the files.

        Raises:
            OSError: one cannot be read.
        """
        read = tuple((str(path), hash_of_file(path)) for path in references)
        return cls(str(source), hash_of_file(source), read, settings)

    @property
    def references_hash(self) -> str:
        """Of the contents of all references, in their order."""
        return hash_of("".join(digest for _, digest in self.references).encode())

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "input": self.input,
            "input_hash": self.input_hash,
            "references": [
                {"path": path, "hash": digest} for path, digest in self.references[:MOST_LISTED]
            ],
            "reference_count": len(self.references),
            "references_hash": self.references_hash,
            "settings": dict(self.settings),
        }

    def changes_since(self, record: Mapping[str, Any]) -> list[str]:
        """What is not as a line of the manifest says, in words; paths do not count."""
        before = record.get("settings") or {}
        names = sorted(
            x for x in {*before, *self.settings} if before.get(x) != self.settings.get(x)
        )
        return [
            *(["the input"] if record.get("input_hash") != self.input_hash else []),
            *(["the references"] if record.get("references_hash") != self.references_hash else []),
            *([f"settings ({', '.join(names)})"] if names else []),
        ]


class Manifest:
    """The manifest of a folder, read as far as it is asked for, and added to line by line.

    A pickle of it belongs to the same run.

    Args:
        folder: of the results; made when the first line is written.
        run: name of the run that adds to it; None: a new one.
    """

    def __init__(self, folder: Path, run: str | None = None) -> None:
        self.folder = folder
        self.run = run or secrets.token_hex(4)
        self._file: LineFile | None = None
        self._forget()

    def _forget(self) -> None:
        self._read = 0
        self._done: dict[str, bytes] = {}
        """The latest line of each result; as it is in the file, which takes least memory."""
        self._failed: dict[str, bytes] = {}
        self._others = 0
        """Results of other versions."""

    def __reduce__(self) -> tuple[type["Manifest"], tuple[Path, str]]:
        return Manifest, (self.folder, self.run)

    @property
    def path(self) -> Path:
        """Of the file."""
        return self.folder / MANIFEST

    def check(self) -> None:
        """Read all of it, and mend its end.

        Raises:
            OutputError: a line is damaged or of another version; it cannot be read or written.

        Warns:
            ImageWarning: its last line was damaged, and is taken away; results are of other
                versions.
        """
        if not self.path.exists():
            return
        if not self.path.is_file():
            raise OutputError(
                f"manifest {shown(self.path)}: cannot be read, for it is no regular file; move it "
                "away or choose another output folder (-o)"
            )
        if lost := self._opened().taken_away:
            warnings.warn(
                f"manifest {shown(self.path)}: its last line was cut short or damaged ({lost} "
                "bytes) and is taken away; what it told of counts as not told of",
                ImageWarning,
                stacklevel=2,
            )
        self._refresh()
        if self._others:
            warnings.warn(
                f"manifest {shown(self.path)}: {self._others} results were made by other versions "
                "(searchtransfer or its libraries) and are kept; --on-exists overwrite makes them "
                "again",
                ImageWarning,
                stacklevel=2,
            )

    def made(self, target: Path) -> dict[str, Any] | None:
        """The latest line about a result that was made.

        Raises:
            OutputError: a line is damaged or of another version, or the file cannot be read.
        """
        return self._found(self._done, target)

    def failed(self, target: Path) -> dict[str, Any] | None:
        """The latest line about a result that has failed and was not made since.

        Raises:
            OutputError: as for `made`.
        """
        return self._found(self._failed, target)

    def _found(self, lines: Mapping[str, bytes], target: Path) -> dict[str, Any] | None:
        self._refresh()
        line = lines.get(self._name(target))
        return None if line is None else _loaded(line)

    def add(self, target: Path, facts: Mapping[str, object]) -> None:
        """Add a line about a result.

        Raises:
            OutputError: it cannot be written.
        """
        line = {"format": FORMAT, "run": self.run, "output": self._name(target), **facts}
        self._opened().append(json.dumps(line))

    def close(self) -> None:
        """Close the file; its lines are on the disk then."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _name(self, target: Path) -> str:
        return PurePath(os.path.relpath(target, self.folder)).as_posix()

    def _opened(self) -> LineFile:
        if self._file is None:
            with folders_stay():
                make_folder(self.folder)
                self._file = LineFile(self.path, "manifest", is_line)
        return self._file

    def _refresh(self) -> None:
        """Read what was added since; an end without a line break is still being written."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._read:  # mended by somebody
                    self._forget()
                file.seek(self._read)
                for line in file:
                    if not line.endswith(b"\n"):
                        break
                    self._take(line)
                    self._read += len(line)
        except FileNotFoundError:
            self._forget()
        except OSError as error:
            raise OutputError(
                f"manifest {shown(self.path)}: cannot be read ({error.strerror or error})"
            ) from error

    def _take(self, line: bytes) -> None:
        record = self._parsed(line)
        name = record["output"]
        if record.get("status") != "done":
            self._failed[name] = line
            return
        self._others += record.get("versions") != versions()
        self._failed.pop(name, None)
        self._done[name] = line

    def _parsed(self, line: bytes) -> dict[str, Any]:
        record = _loaded(line)
        known = isinstance(record, dict) and isinstance(record.get("output"), str)
        if isinstance(record, dict) and record.get("format", FORMAT) != FORMAT:
            raise OutputError(
                f"manifest {shown(self.path)}: is of version {record['format']!r}, this "
                f"searchtransfer reads and writes version {FORMAT}; choose another output folder "
                "(-o), or move the manifest away and its results count as not told of"
            )
        if not known:
            raise OutputError(
                f"manifest {shown(self.path)}: the line at byte {self._read} is damaged; remove "
                "it, or move the manifest away and its results count as not told of"
            )
        checked: dict[str, Any] = record
        return checked


def _loaded(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def is_line(line: bytes) -> bool:
    """Whether it is one, and not what a power cut leaves in its place."""
    return isinstance(_loaded(line), dict)
