# SPDX-License-Identifier: Apache-2.0
"""Every file of weights in the package has a card that answers the same questions."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from safetensors import safe_open

import searchtransfer

PACKAGE = Path(searchtransfer.__file__).parent
FILES = sorted(PACKAGE.rglob("*.safetensors"))
HEADINGS = ("Use", "Data", "Training", "Cost", "Results", "Limits")
THIRD_PARTY = (Path(__file__).parents[2] / "THIRD_PARTY.md").read_text(encoding="utf-8")


BENCHMARKS = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text(encoding="utf-8")


def faults(card: str, name: str, parameters: int, size: int) -> list[str]:
    """What a card lacks, or says that is not so."""
    found = [] if card.startswith(f"# {name}\n") else ["another name"]
    found += [f"no {x}" for x in HEADINGS if not re.search(rf"^\*\*{x}\b.*\*\*", card, re.M)]
    if "Apache-2.0" not in card.partition("**")[0]:
        found.append("no licence")
    said = re.search(r": ([\d.]+)( M)? parameters, ([\d.]+) (MB|kB)", card)
    if said is None:
        return [*found, "no size"]
    for value, unit, true in (
        (said[1], 1e6 if said[2] else 1, parameters),
        (said[3], 1e6 if said[4] == "MB" else 1e3, size),
    ):
        if abs(float(value) * unit - true) > 0.03 * true:
            found.append(f"{value} for {true}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_card_lies_beside_the_weights(path: Path) -> None:
    with safe_open(path, "pt") as weights:
        count = sum(weights.get_tensor(name).numel() for name in weights.keys())  # noqa: SIM118
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert faults(card, path.stem, count, path.stat().st_size) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_card_was_written_for_these_weights(path: Path) -> None:
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    digest = sha256(path.read_bytes()).hexdigest()
    hint = f"weights changed: read the card again, then give it {digest[:16]}"
    assert f"`{digest[:16]}`" in card, hint


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_results_of_a_card_are_those_of_the_benchmarks(path: Path) -> None:
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    results = card.partition("**Results")[2].partition("\n\n")[0]
    measured = set(re.findall(r"\b\d\d\.\d\d\b|\b0\.\d{3}\b", results))
    assert measured <= set(re.findall(r"[\d.]+\d", BENCHMARKS))
    assert measured or path.stem == "signs"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_terms_of_its_data_are_told(path: Path) -> None:
    assert f"`{path.stem}`" in THIRD_PARTY


def test_a_bad_card_is_noticed() -> None:
    card = (PACKAGE / "weights/packaged/fusion-x4.md").read_text(encoding="utf-8")
    size = (1_330_000, 2_659_088)
    assert faults(card.replace("**Cost.**", "Cost:"), "fusion-x4", *size) == ["no Cost"]
    assert faults(card, "fusion-x2", *size) == ["another name"]
    assert faults(card, "fusion-x4", 2_000_000, 2_659_088) == ["1.33 for 2000000"]


def test_weights_are_found() -> None:
    assert {"fusion-x4", "fusion-x4-worn", "signs"} <= {path.stem for path in FILES}
