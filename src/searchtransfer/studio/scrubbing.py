# SPDX-License-Identifier: Apache-2.0
"""Messages without anything of the server's: its paths are none of the visitors' business."""

import re

HIDDEN = "a file of the server"

_UNIX = r"(?<![\w.~/:])~?/(?:[^\s/'\"<>|,;:()]+/)*[^\s/'\"<>|,;:()]+/?"
_WINDOWS = r"(?<!\w)[A-Za-z]:\\(?:[^\\\s'\"<>|,;:()]+\\?)+"
_QUOTED = r"(?<=['\"])(?:~?/|[A-Za-z]:\\)[^'\"]+(?=['\"])"
_PATH = re.compile(f"{_QUOTED}|{_UNIX}|{_WINDOWS}")


def scrubbed(message: str, names: dict[str, str]) -> str:
    """A message with the visitors' names in place of their files, and no other path.

    Args:
        message: whatever an error says.
        names: what visitors call things, for what the server calls them.
    """
    marks = {f"\0{number}\0": path for number, path in enumerate(names)}
    for mark, path in marks.items():
        message = message.replace(path, mark)
    message = _PATH.sub(HIDDEN, message)
    for mark, path in marks.items():
        message = message.replace(mark, names[path])
    return message
