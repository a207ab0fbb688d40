# SPDX-License-Identifier: Apache-2.0
"""The script that makes small mistakes makes them: each mutant is another program."""

import ast
from pathlib import Path

import pytest
from mutant_runs import Known, learn, passes
from mutants import FOLDER, ROOT, mutant, places, statement

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


def known():
    tests = {"a": {"3": ["slow", "quick"], "4": ["other"]}, "b": {}}
    return Known({"quick": 0.1, "slow": 5.0, "other": 1.0, "far": 0.2}, tests)


def test_the_tests_of_a_line_run_cheapest_first():
    assert known().tests_of(Path("a"), 3, 3) == ["quick", "slow"]
    assert known().tests_of(Path("a"), 3, 4) == ["quick", "other", "slow"]


def test_no_more_tests_run_than_the_seconds_allow_but_always_one():
    assert known().tests_of(Path("a"), 3, 4, most=2) == ["quick", "other"]
    assert known().tests_of(Path("a"), 3, 4, most=0) == ["quick"]


def test_what_was_learned_adds_up():
    everything = Known()
    everything.add(Known({"a": 1.0}, {"f": {"1": ["a"]}}))
    everything.add(Known({"b": 2.0}, {"f": {"1": ["b"], "2": ["b"]}}))
    assert everything == Known({"a": 1.0, "b": 2.0}, {"f": {"1": ["a", "b"], "2": ["b"]}})


def test_where_no_test_runs_a_line_all_that_could_see_it_run():
    assert known().tests_of(Path("a"), 9, 9) == ["quick", "other", "slow"]
    assert known().tests_of(Path("c"), 1, 1) == ["quick", "far", "other", "slow"]


def test_lines_of_the_statement_around_a_node():
    tree = ast.parse("if a:\n  b = (\n    1,\n    2)\nc = 3\n")
    found = {
        node.value: statement(tree, node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
    }
    assert found == {1: (2, 3), 2: (2, 4), 3: (5, 5)}


def project(folder, source="def twice(x):\n    return x + x\n"):
    """A project of one file, with one test that runs it."""
    (folder / "src/one").mkdir(parents=True)
    (folder / "tests").mkdir()
    settings = "[tool.pytest.ini_options]\npythonpath = ['src']\nfilterwarnings = ['error']\n"
    (folder / "pyproject.toml").write_text(settings)
    (folder / "src/one/twice.py").write_text(source)
    text = "from one.twice import twice\n\ndef test_twice():\n    assert twice(3) == 6\n"
    text += "\ndef test_that_fails_always():\n    assert twice(3) == 7\n"
    (folder / "tests/test_twice.py").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("source", "passed"),
    [
        ("def twice(x):\n    return x * 2\n", True),
        ("def twice(x):\n    return x - x\n", False),
        ("import os\n\ndef twice(x):\n    os._exit(3)\n", False),
    ],
)
def test_a_change_is_tried_by_the_tests_that_run_it(tmp_path, source, passed):
    root = project(tmp_path)
    known = learn(root, Path("src/one"), ["tests"], tmp_path)
    tests = known.tests_of(Path("src/one/twice.py"), 2, 2)
    assert tests == ["tests/test_twice.py::test_twice"]
    (root / "src/one/twice.py").write_text(source)
    assert passes(root, known, tests) == passed
