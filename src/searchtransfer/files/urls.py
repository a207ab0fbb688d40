# SPDX-License-Identifier: Apache-2.0
"""Words that name files: paths, or URLs."""

import re
from urllib.parse import unquote

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")
_HERE = re.compile(r"(?:file|local)://(?!.*::)")


def is_url(word: str) -> bool:
    """Whether a word is a URL, and no path."""
    return bool(_URL.match(word))


def is_elsewhere(word: str) -> bool:
    """Whether a word names something that is no file of this machine."""
    return is_url(word) and not _HERE.match(word)


def first_path(word: str) -> str:
    """Of a URL the path alone, that in an archive of `zip://small/a.png::s3://bucket/all.zip`."""
    return word.partition("::")[0].partition("?")[0] if is_url(word) else word


def path_in(word: str) -> str:
    """The path that a word is, also where it is written as `file:///folder/a.png`."""
    here = _HERE.match(word)
    return word if here is None else unquote(word[here.end() :])
