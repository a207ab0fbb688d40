# SPDX-License-Identifier: Apache-2.0
"""Runs the Python blocks of a documentation page and compares what they print with the page.

All blocks of a page share one namespace, in order. A ```text block that directly follows a
```python block states its exact output; a block without one must print nothing. A block that
cannot run in a test is preceded by `<!-- not run: the reason -->`.
"""

import contextlib
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
_NOT_RUN = re.compile(r"<!-- not run: (.+?) -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """A Python block of a page."""

    code: str
    line: int
    """Line of the page that the first line of code is on."""
    printed: str
    """What the page says the block prints."""
    not_run: str = ""
    """Why it is not run; empty if it is."""


def read_blocks(text: str) -> list[Block]:
    """The Python blocks of a page, in order."""
    fences = list(_FENCE.finditer(text))
    blocks = []
    for i, fence in enumerate(fences):
        if fence[1] != "python":
            continue
        following = fences[i + 1] if i + 1 < len(fences) else None
        printed = ""
        if following and following[1] == "text":
            between = text[fence.end() : following.start()]
            printed = "" if between.strip() else following[2]
        excuse = _NOT_RUN.search(text[: fence.start()])
        line = text.count("\n", 0, fence.start(2)) + 1
        blocks.append(Block(fence[2], line, printed, excuse[1] if excuse else ""))
    return blocks


def run_page(path: Path) -> int:
    """Run a page; return how many blocks ran.

    Raises:
        AssertionError: a block printed something else than the page says.
        Exception: whatever a block raises, with page and line in its traceback.
    """
    text = path.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "__page__"}
    ran = 0
    for block in read_blocks(text):
        if block.not_run:
            continue
        # Blank lines before the code make the line numbers of a traceback those of the page.
        code = compile("\n" * (block.line - 1) + block.code, str(path), "exec")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(code, namespace)
        assert output.getvalue() == block.printed, (
            f"{path.name}, line {block.line}: the block printed\n{output.getvalue()}\n"
            f"but the page says\n{block.printed}"
        )
        ran += 1
    return ran
