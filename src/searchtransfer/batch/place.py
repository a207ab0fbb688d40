# SPDX-License-Identifier: Apache-2.0
"""A folder or file that lies elsewhere: a URL of fsspec, and the path that stands for it here."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import MissingExtraError, SearchTransferError
from ..foreign import short
from .plan import NO_FOLDERS

NOTES = ".searchtransfer"
"""A folder beside the results, for what is not finished."""

WHOLE_AT_ONCE = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "memory"}
"""Protocols of stores in which an object appears when all of it is there."""

TRIES = 3
"""To make a folder that others make at the same moment."""


@dataclass(frozen=True)
class Place:
    """A folder or file elsewhere, and the path that stands for it."""

    url: str
    here: Path

    def url_of(self, path: Path) -> str:
        """The URL of a path below."""
        head, chain, tail = self.url.partition("::")
        rest = path.relative_to(self.here).as_posix()
        below = "" if rest == "." else f"/{rest}"
        return f"{head.rstrip('/') if below else head}{below}{chain}{tail}"

    def opened(self) -> tuple[Any, str]:
        """The file system, and the name of this place on it."""
        from fsspec.core import url_to_fs

        found: tuple[Any, str] = url_to_fs(self.url)
        return found

    def found(self, path: Path) -> tuple[Any, str]:
        """The file system, and the name on it of a path below."""
        system, root = self.opened()
        rest = path.relative_to(self.here).as_posix()
        system.invalidate_cache()
        above = f"{root.rstrip('/')}/" if root else ""
        return system, root if rest == "." else f"{above}{rest}"

    @property
    def whole_at_once(self) -> bool:
        """Whether what is uploaded appears when all of it is there."""
        return self.url.partition(":")[0] in WHOLE_AT_ONCE


@contextmanager
def reached(name: str, verb: str, kind: type[SearchTransferError]) -> Iterator[None]:
    """Errors of file systems and of the libraries behind them, in words.

    Args:
        name: what and where, as "input 's3://bucket/a.png'".
        verb: what was to be done with it, as "read".
        kind: of the error.
    """
    try:
        yield
    except SearchTransferError:
        raise
    except ImportError as error:
        raise MissingExtraError(
            f"{name}: a library for this kind of URL is not installed ({short(str(error))})"
        ) from error
    except FileNotFoundError as error:
        raise kind(f"{name}: is not there, or is empty") from error
    except NotImplementedError as error:
        raise kind(f"{name}: cannot be {verb}, for this kind of URL is read only") from error
    except Exception as error:  # of kinds of each library's own
        said = getattr(error, "strerror", None) or short(str(error) or type(error).__name__, 300)
        raise kind(f"{name}: cannot be {verb} ({said})") from error


def is_folder(system: Any, root: str) -> bool:
    """Whether a name on a file system is that of a folder."""
    # To a web server every name is that of a page.
    named_as_file = PurePosixPath(root).suffix.lower() in NO_FOLDERS
    return not (named_as_file and system.isfile(root)) and bool(system.isdir(root))


def make_folder(system: Any, folder: str) -> None:
    """Make a folder on a file system, and those above it."""
    for attempt in reversed(range(TRIES)):
        try:
            system.makedirs(folder, exist_ok=True)
        except Exception:  # another worker may just have made it, or one of those above
            system.invalidate_cache()
            if system.isdir(folder):
                return
            if not attempt:
                raise
        else:
            return
