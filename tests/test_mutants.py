# SPDX-License-Identifier: Apache-2.0
"""The script that makes small mistakes makes them: each mutant is another program."""

import ast
from pathlib import Path

import pytest
from mutants import FOLDER, ROOT, in_order, mutant, places

SOURCE = """
def f(a: int = 3, b: Float[Tensor, "2 3"] = None) -> tuple[int, 4]:
    if a < 2 and not b:
        return -a + 1
    a += 1
    return a is None
"""


def test_the_places_of_a_function():
    found = [what for _, what in places(SOURCE)]
    assert sorted(found) == sorted(
        [
            "line 2: 3 becomes 4",
            "line 3: the condition is reversed",
            "line 3: And becomes Or",
            "line 3: Lt becomes LtE",
            "line 3: 2 becomes 3",
            "line 3: Not is left out",
            "line 4: None is returned",
            "line 4: Add becomes Sub",
            "line 4: USub is left out",
            "line 4: 1 becomes 2",
            "line 5: Add becomes Sub",
            "line 5: 1 becomes 2",
            "line 6: None is returned",
            "line 6: Is becomes IsNot",
        ]
    )


def test_each_mutant_differs_in_one_place():
    whole = ast.unparse(ast.parse(SOURCE)).splitlines()
    for number, _ in places(SOURCE):
        changed = mutant(SOURCE, number).splitlines()
        assert len(changed) == len(whole)
        assert sum(a != b for a, b in zip(whole, changed, strict=True)) == 1


@pytest.mark.parametrize("path", sorted((ROOT / FOLDER).glob("*.py"))[:6], ids=lambda x: x.name)
def test_mutants_of_the_operators_are_programs(path: Path):
    source = path.read_text(encoding="utf-8")
    whole = ast.unparse(ast.parse(source))
    for number, _ in places(source)[::7]:
        changed = mutant(source, number)
        ast.parse(changed)
        assert changed != whole


def test_tests_named_like_the_changed_file_run_first():
    files = in_order(["tests/operators"], FOLDER / "keys.py", ROOT)
    assert files[0] == "tests/operators/test_keys.py"
    assert sorted(files) == sorted(set(files))
    assert len(files) == len(list((ROOT / "tests/operators").rglob("test_*.py")))
    word = in_order(["tests/operators"], FOLDER / "backends" / "native_cost.py", ROOT)
    assert all(Path(file).stem.startswith("test_native") for file in word[:3])
