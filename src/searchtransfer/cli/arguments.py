# SPDX-License-Identifier: Apache-2.0
"""Arguments as people and shells give them: globs that become many words, variables not set."""

from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

MAY_BE_EMPTY = {"--suffix"}
"""Options that an empty text has a meaning for."""


class Command(TyperCommand):
    """A command that takes `-r *.jpg`, and refuses empty arguments."""

    def get_params(self, ctx: Any) -> Any:
        """The options, of which switches take no value."""
        return without_value(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        valued = {
            name
            for parameter in self.params
            if not (getattr(parameter, "is_flag", False) or getattr(parameter, "count", False))
            for name in parameter.opts
            if name.startswith("-")
        }
        _refuse_empty(args)
        parsed: list[str] = super().parse_args(ctx, spread_references(args, valued))
        return parsed


def without_value(parameters: Any) -> Any:
    """Let the help show no `<bool>` behind a switch."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
    return parameters


def _refuse_empty(args: Sequence[str]) -> None:
    """An empty path would be the present folder, and comes from a variable that is not set."""
    before = ""
    for word in args:
        name, is_set, value = word.partition("=")
        if name.startswith("--") and is_set and not value:
            option: str | None = name
        else:
            option = None if word else before
        if option is not None and option not in MAY_BE_EMPTY:
            where = f"that of {option}" if option.startswith("-") else "one"
            raise typer.BadParameter(
                f"an argument is empty, {where}; is a variable of the shell not set?"
            )
        before = word


def spread_references(args: Sequence[str], valued: set[str]) -> list[str]:
    """Give each word of `-r a.jpg b.jpg` an `-r` of its own, as a glob of the shell needs it.

    The words are references only where the inputs are named elsewhere; in `-r sharp.png small.png`
    the second is the input.

    Args:
        args: as the shell gives them.
        valued: options that take a value.
    """
    words = list(_classified(args, valued))
    inputs = any(kind == "word" or option in ("-i", "--input") for option, kind in words)
    if not inputs:
        return list(args)
    spread: list[str] = []
    for word, (option, kind) in zip(args, words, strict=True):
        if kind == "more":
            spread.append(option)
        spread.append(word)
    return spread


def _classified(args: Sequence[str], valued: set[str]) -> list[tuple[str, str]]:
    """For each word its option and kind: an option, its value, `more` behind a -r, or a `word`."""
    found: list[tuple[str, str]] = []
    option = ""
    only_words = waits = False
    for word in args:
        if waits:
            found.append((option, "value"))
            waits = False
        elif not only_words and word.startswith("-") and word != "-":
            option = word.partition("=")[0]
            found.append((option, "option"))
            only_words = word == "--"
            waits = word in valued
            option = option if waits else ""
        elif option in ("-r", "--ref") and not only_words:
            found.append((option, "more"))
        else:
            found.append(("", "word"))
    return found
