# SPDX-License-Identifier: Apache-2.0
"""The examples in the docstrings of the public names exist, run, and print what they say.

Not collected by pytest's own doctest option: the shape checks of the tests wrap every function, and
wrapped functions are passed over there without a word.
"""

import doctest
import inspect

import pytest
import torch

import searchtransfer
from searchtransfer import operators

WITHOUT_EXAMPLE = {"Match", "ViewMatch"}
"""Plain records that a search returns."""


def public_names() -> dict[str, object]:
    names = {
        name: getattr(home, name) for home in (searchtransfer, operators) for name in dir(home)
    }
    return {
        name: thing
        for name, thing in sorted(names.items())
        if not name.startswith("_")
        and getattr(thing, "__module__", "").startswith("searchtransfer")
        and name not in WITHOUT_EXAMPLE
    }


def run_examples(name: str, docstring: str) -> doctest.TestResults:
    namespace = {**public_names(), "torch": torch}
    test = doctest.DocTestParser().get_doctest(docstring, namespace, name, None, 0)
    return doctest.DocTestRunner(verbose=False).run(test)


@pytest.mark.parametrize("name", public_names())
def test_examples(name: str) -> None:
    results = run_examples(name, inspect.getdoc(public_names()[name]) or "")
    assert results.attempted > 0, f"the docstring of {name} has no example"
    assert results.failed == 0


def test_all_public_names_are_looked_at() -> None:
    expected = {"Reference", "SearchTransfer", "Upscaler", "fold", "search", "transfer", "unfold"}
    assert expected <= set(public_names())


@pytest.mark.parametrize("line", [">>> 6 * 7\n43\n", ">>> 6 * 7\n", ">>> 1 / 0\n", ">>> photo\n"])
def test_a_wrong_example_fails(line: str) -> None:
    assert run_examples("wrong", line).failed == 1
