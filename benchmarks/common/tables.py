# SPDX-License-Identifier: Apache-2.0
"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


def row(cells: Iterable[object]) -> str:
    """One line."""
    return "| " + " | ".join(map(str, cells)) + " |"


def head(names: Sequence[str]) -> str:
    """Names of columns, the first to the left and the others to the right."""
    return row(names) + "\n|---|" + "--:|" * (len(names) - 1)


def table(names: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A whole one, without a line's end behind it."""
    return "\n".join([head(names), *map(row, rows)])
