# SPDX-License-Identifier: Apache-2.0
"""Words that others chose (file names, tensor names, keys, what libraries say), on their way out.

Nothing in them may act: no control character on a terminal or in a log, no markup in a page, no
direction mark that makes a name look like another, no stray byte that an encoder stumbles over.
What cannot be printed becomes an escape such as `\\x1b`; letters of every script stay.
"""

import html
import os


def shown(path: str | bytes | os.PathLike[str]) -> str:
    """A path for messages, in quotes, which show where it begins and ends."""
    return repr(os.fsdecode(path))


def in_line(text: str) -> str:
    """A text as part of one line: line breaks are escaped too, so that they cannot feign lines."""
    return "".join(x if x.isprintable() else _escape(x) for x in text)


def short(text: str, longest: int = 100) -> str:
    """A text as part of one line of a message, cut where it is endless."""
    return in_line(text if len(text) <= longest else f"{text[: longest - 3]}...")


def in_lines(text: str) -> str:
    """A text of several lines, such as a traceback."""
    return "\n".join(in_line(line.expandtabs()) for line in text.split("\n"))


def in_html(text: str) -> str:
    """A text inside an element or a quoted attribute of a page."""
    return html.escape(in_line(text))


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
