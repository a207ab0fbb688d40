# SPDX-License-Identifier: Apache-2.0
"""Whether everything names the same version: `python tests/versions.py 1.2.3` before a release."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACES = {
    "src/searchtransfer/__init__.py": r'^__version__ = "([^"]+)"$',
    "CITATION.cff": r"^version: (\S+)$",
}


def stated() -> dict[str, str | None]:
    """The version that each place names."""
    found = {name: re.search(pattern, _text(name), re.M) for name, pattern in PLACES.items()}
    return {name: match and match[1] for name, match in found.items()}


def changes_of(version: str) -> bool:
    """Whether the changelog has a heading for a version."""
    return re.search(rf"^## {re.escape(version)}\b", _text("CHANGELOG.md"), re.M) is not None


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


if __name__ == "__main__":
    wanted = sys.argv[1]
    faults = [f"{name} says {said}" for name, said in stated().items() if said != wanted]
    if not changes_of(wanted):
        faults.append("CHANGELOG.md has no heading for it")
    sys.exit(f"not {wanted}: {'; '.join(faults)}" if faults else 0)
