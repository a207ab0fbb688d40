# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer info`."""

import json

import typer

from .console import all_said, say, say_lines
from .group import FAILED
from .options import AsJson


def info(as_json: AsJson = False) -> None:
    """Show versions, backends, threads, models, extras and paths."""
    from ..about import about

    facts = about()
    if as_json:
        say_lines(json.dumps(facts, indent=2))
    else:
        for name, value in facts.items():
            for line in _lines(name, value):
                say(line)
    if not all_said():
        raise typer.Exit(FAILED)


def _lines(name: str, value: object) -> list[str]:
    title = f"{name.replace('_', ' '):15}"
    if isinstance(value, dict) and value:
        inner = {key: _inline(part) for key, part in value.items()}
        return [title.rstrip(), *(f"  {key:13}{part}" for key, part in inner.items())]
    return [f"{title}{_inline(value)}"]


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return (
            "not known"
            if not value
            else ", ".join(f"{key} {_inline(part)}" for key, part in value.items())
        )
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "missing" if value is None else str(value)
