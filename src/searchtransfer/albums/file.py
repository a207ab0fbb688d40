# SPDX-License-Identifier: Apache-2.0
"""The one file of an album: photos, vocabulary and index."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from ..errors import MissingExtraError, OutputError
from ..files import write_file
from ..foreign import shown
from .descriptor import AREA, POINTS, Vocabulary

FORMAT = "searchtransfer-album"
VERSION = f"1, {AREA} pixels, {POINTS} points"
"""Of the file and of what is in it: with another one the album is described again."""


@dataclass(frozen=True)
class Entry:
    """A photo of the album."""

    path: str
    """Below the folder of the album."""
    size: int
    """Of the file, in bytes."""
    changed: int
    """When, in nanoseconds."""
    digest: str
    """SHA-256 of its content."""
    key: int
    """In the index; -1 for what cannot be read as a picture."""


@dataclass
class Contents:
    """What the file holds."""

    reduction: int
    vocabulary: Vocabulary
    index: Any
    entries: dict[str, Entry] = field(default_factory=dict)
    """By path."""
    learned_from: int = 0
    """Photos that the album had when the vocabulary was learned."""


def new_index(size: int) -> Any:
    """An empty index of descriptors.

    Raises:
        MissingExtraError: usearch is not installed, or does not work.
    """
    try:
        from usearch.index import Index
    except ImportError as error:
        raise MissingExtraError(
            f"--album needs usearch ({error}); install it with: pip install 'searchtransfer[album]'"
        ) from error
    return Index(ndim=size, metric="cos", dtype="f16")


def write(path: Path, contents: Contents) -> None:
    """Write the file, whole.

    Raises:
        OutputError: it cannot be written.
    """
    photos = json.dumps([asdict(x) for x in contents.entries.values()]).encode()
    arrays = {
        **contents.vocabulary._asdict(),
        "index": np.frombuffer(bytes(contents.index.save()), np.uint8),
        "photos": np.frombuffer(photos, np.uint8),
    }
    facts = {
        "format": FORMAT,
        "version": VERSION,
        "reduction": str(contents.reduction),
        "learned_from": str(contents.learned_from),
    }
    data = safetensors.numpy.save(arrays, metadata=facts)
    write_file(path, data, on_exists="overwrite", what="index of the album")


def read(path: Path, reduction: int) -> Contents | None:
    """Read the file; None where there is none, or it is of another version or reduction.

    Raises:
        OutputError: another file has this name, which must not be replaced.
        MissingExtraError: usearch is not installed.
    """
    if not path.exists():
        return None
    try:
        with safetensors.safe_open(path, "np") as file:
            facts = file.metadata() or {}
            if facts.get("format") == FORMAT:
                if (facts.get("version"), facts.get("reduction")) != (VERSION, str(reduction)):
                    return None
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                return _contents(arrays, facts, reduction)
    except MissingExtraError:
        raise
    except Exception as error:  # of many kinds, by what is damaged
        raise OutputError(
            f"index of the album {shown(path)}: is damaged or no index ({error}); remove it, and "
            "it is made again, or name another (--album-index)"
        ) from error
    raise OutputError(
        f"index of the album {shown(path)}: is something else; name another (--album-index)"
    )


def _contents(arrays: dict[str, np.ndarray], facts: dict[str, str], reduction: int) -> Contents:
    vocabulary = Vocabulary(*(arrays[name] for name in Vocabulary._fields))
    index = new_index(vocabulary.size)
    index.load(arrays["index"].tobytes())
    photos = [Entry(**x) for x in json.loads(arrays["photos"].tobytes())]
    entries = {x.path: x for x in photos}
    return Contents(reduction, vocabulary, index, entries, int(facts["learned_from"]))
