# SPDX-License-Identifier: Apache-2.0
"""Arguments as people and shells give them: globs that become many words, variables not set."""

import re
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand

from ..files.urls import is_url
from ..foreign import shown

FILES = re.compile("FILE|FOLDER|PATH|FILM|DIR|STEM|TARGET")
"""In the metavar of what takes files; URLs only where that says so."""

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
        _refuse_urls(args, valued, self.params)
        parsed: list[str] = super().parse_args(ctx, spread_references(args, valued))
        return parsed


def without_value(parameters: Any) -> Any:
    """Let the help show no type behind a switch, nor behind an argument, whose name says it."""
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) or getattr(parameter, "count", False):
            parameter.metavar = ""
        if parameter.param_type_name == "argument":
            parameter.display_type_rich = lambda ctx: None
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


def _refuse_urls(args: Sequence[str], valued: set[str], parameters: Sequence[Any]) -> None:
    """A URL where only a path can be would be a path that is not there."""
    metavars = {name: x.metavar or "" for x in parameters for name in x.opts}
    first = next((x.metavar or "" for x in parameters if x.param_type_name == "argument"), "")
    for word, (option, kind) in zip(args, _classified(args, valued), strict=True):
        name, _, value = word.partition("=") if kind == "option" else (option, "", word)
        metavar = first if kind == "word" else metavars.get(name, "")
        if is_url(value) and FILES.search(metavar) and "URL" not in metavar:
            where = name or "this argument"
            raise typer.BadParameter(f"{where} takes files of this machine, got {shown(value)}")


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
