# SPDX-License-Identifier: Apache-2.0
"""Messages in the visitors' words: without paths of the server, or advice to who runs it."""

import re

HIDDEN = "a file of the server"

_UNIX = r"(?<![\w.~/:])~?/(?:[^\s/'\"<>|,;:()]+/)*[^\s/'\"<>|,;:()]+/?"
_WINDOWS = r"(?<!\w)[A-Za-z]:\\(?:[^\\\s'\"<>|,;:()]+\\?)+"
_QUOTED = r"(?<=['\"])(?:~?/|[A-Za-z]:\\)[^'\"]+(?=['\"])"
_PATH = re.compile(f"{_QUOTED}|{_UNIX}|{_WINDOWS}")

_OPTION = re.compile(r" \(--?\w[^()]*\)")
_PROGRAM = re.compile(r"--\w|\bTMPDIR\b|\bpip install\b|\b\w+_\w+\b|\b\w+=\S")
"""Options, arguments and commands, which nobody can give to a page."""


def scrubbed(message: str, names: dict[str, str]) -> str:
    """A message with the visitors' names in place of their files, and no other path.

    Advice that names an option of the program, as a part of a sentence behind a semicolon, is left
    out: what visitors can do is for the caller to say.

    Args:
        message: whatever an error says.
        names: what visitors call things, for what the server calls them.
    """
    marks = {f"\0{number}\0": path for number, path in enumerate(names)}
    for mark, path in marks.items():
        message = message.replace(path, mark)
    message = _PATH.sub(HIDDEN, message)
    first, *more = _OPTION.sub("", message).split("; ")
    message = "; ".join([first, *(part for part in more if not _PROGRAM.search(part))])
    for mark, path in marks.items():
        message = message.replace(mark, names[path])
    return message
