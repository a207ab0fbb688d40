# SPDX-License-Identifier: Apache-2.0
"""The container files: no root, a health check, nothing copied that is not there.

They are read, not built. That the studio needs no more than `/tmp` is tried in `test_read_only.py`.
"""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "containers").glob("*/Containerfile"))


def instructions(path: Path) -> list[tuple[str, str]]:
    """Those of the last stage: what runs in the end."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    found = [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]
    last = max(i for i, (word, _) in enumerate(found) if word == "FROM")
    return found[last:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_a_container(path: Path) -> None:
    said = instructions(path)
    users = [rest for word, rest in said if word == "USER"]
    assert users and users[-1].isdecimal() and int(users[-1]) > 0, "it would run as root"
    assert [word for word, _ in said].index("USER") < [word for word, _ in said].index("CMD")
    checks = [rest for word, rest in said if word == "HEALTHCHECK"]
    assert len(checks) == 1
    assert json.loads(checks[0].partition(" CMD ")[2])
    assert json.loads(next(rest for word, rest in said if word == "CMD"))
    assert "--read-only" in path.read_text()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_what_is_copied_is_there(path: Path) -> None:
    copied = re.findall(r"^COPY (?!--from)(.+)$", path.read_text(), re.MULTILINE)
    assert copied
    for names in copied:
        for name in names.split()[:-1]:
            assert (ROOT / name).exists(), name


def test_there_are_two() -> None:
    assert [path.parent.name for path in FILES] == ["ray-worker", "studio"]
