# SPDX-License-Identifier: Apache-2.0
"""YAML as a configuration needs it: plain values of YAML 1.2, and nothing that could be endless.

A file may be anybody's, so its size, depth, and what its aliases stand for are bounded before
anything is made of it.
"""

import re
import stat
from pathlib import Path
from typing import Any

import yaml

from ..errors import ConfigError
from ..foreign import short

LONGEST = 2**16
"""Characters; configurations have some thousand."""
_MOST_NODES = 10_000
_LONGEST_NUMBER = 40

_PLAIN = {
    "tag:yaml.org,2002:null": r"~|null|",
    "tag:yaml.org,2002:bool": r"true|false",
    "tag:yaml.org,2002:int": r"[-+]?(0|[1-9][0-9]*)",
    "tag:yaml.org,2002:float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
    r"|[-+]?\.inf|\.nan",
}
_TEXT, _LIST, _MAPPING = (f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map"))


def parse(text: str, name: str) -> Any:
    """Read YAML 1.2: `no` is a word, `1e-4` a number, keys are words, and none may come twice.

    Args:
        text: the content.
        name: of the file, for messages.

    Raises:
        ConfigError: it is no YAML, repeats a key, has another tag, or is too long, deep or large.
    """
    if len(text) > LONGEST:
        raise ConfigError(f"{name}: has {len(text)} characters, at most {LONGEST} are read")
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        _count(node, {})
        return None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        reason = getattr(error, "problem", None) or str(error)
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(f"{name}{where}: {short(str(reason), 200)}") from None
    except RecursionError:
        raise ConfigError(f"{name}: is nested too deeply") from None
    except (ValueError, OverflowError) as error:  # of an escape that stands for no character
        raise ConfigError(f"{name}: {short(str(error), 200)}") from None


def read_text(path: Path) -> str:
    """The text of a regular file, but for what is beyond the longest that is parsed.

    Raises:
        OSError, ValueError: it cannot be read, or is no text.
    """
    with path.open("rb") as file:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError("it is no regular file")
        content = file.read(4 * LONGEST + 1)
    if len(content) > 4 * LONGEST:
        raise ValueError(f"it has more than {4 * LONGEST} bytes")
    return content.decode("utf-8-sig")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """Without YAML 1.1's surprises."""


_Loader.yaml_implicit_resolvers = {}
for _name, _pattern in _PLAIN.items():
    _Loader.add_implicit_resolver(_name, re.compile(rf"^(?:{_pattern})$"), None)


def _count(node: yaml.Node | None, known: dict[yaml.Node, int | None]) -> int:
    """How many values a node stands for, aliases written out; all of them are looked at.

    Raises:
        yaml.YAMLError: there are too many, or one is not allowed.
    """
    if node is None:
        return 0
    if node in known:
        count = known[node]
        if count is None:
            raise _fault(node, "an alias stands for what it is in")
        return count
    known[node] = None
    _check(node)
    inside: list[yaml.Node] = []
    if isinstance(node, yaml.MappingNode):
        inside = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        inside = node.value
    count = 1 + sum(_count(part, known) for part in inside)
    if count > _MOST_NODES:
        raise _fault(node, f"stands for more than {_MOST_NODES} values")
    known[node] = count
    return count


def _check(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        if node.tag != _MAPPING:
            raise _fault(node, f"the tag {node.tag!r} is not read")
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                raise _fault(key, "a key must be a word; quote it if it looks like something else")
            if key.value in seen:
                raise _fault(key, f"the key {key.value!r} is given twice")
            seen.add(key.value)
    elif isinstance(node, yaml.SequenceNode):
        if node.tag != _LIST:
            raise _fault(node, f"the tag {node.tag!r} is not read")
    elif node.tag in _PLAIN:
        if not re.fullmatch(_PLAIN[node.tag], node.value) or len(node.value) > _LONGEST_NUMBER:
            kind = node.tag.rpartition(":")[2]
            raise _fault(node, f"{short(repr(node.value), 40)} cannot be read as {kind}")
    elif node.tag != _TEXT:
        raise _fault(node, f"the tag {node.tag!r} is not read")


def _fault(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
