# SPDX-License-Identifier: Apache-2.0
"""One version everywhere, and workflows that name files and targets that exist."""

import re
from typing import Any

import pytest
import yaml
from versions import ROOT, changes_of, stated

import searchtransfer

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_every_place_names_the_version_of_the_package() -> None:
    assert set(stated().values()) == {searchtransfer.__version__}


def test_a_version_without_changes_is_noticed() -> None:
    assert not changes_of("99.0")
    assert changes_of("Unreleased")


def test_the_citation_has_what_the_format_asks_for() -> None:
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(said)
    assert all("name" in x or "family-names" in x for x in said["authors"])


def commands(workflow: dict[str, Any]) -> list[str]:
    steps = [step for job in workflow["jobs"].values() for step in job.get("steps", [])]
    return [step["run"] for step in steps if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_what_a_workflow_runs_is_there(path: Any) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for command in commands(workflow):
        assert set(re.findall(r"\bmake (\w+)", command)) <= targets, command
        for name in re.findall(r"(?:^|\s)((?:\.ci|tests)/[\w./]+)", command):
            assert (ROOT / name).exists(), command
    for job in workflow["jobs"].values():
        if "uses" in job:
            assert (ROOT / job["uses"]).is_file()


def test_there_are_workflows_for_checks_wheels_and_publishing() -> None:
    assert [path.stem for path in WORKFLOWS] == ["checks", "publish", "wheels"]
