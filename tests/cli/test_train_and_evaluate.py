# SPDX-License-Identifier: Apache-2.0
"""`train`, `evaluate` and `convert` tell errors as all commands do; other tests are elsewhere."""

import sys

import pytest
from cli.commands import command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no-such.yaml"], "error: no-such.yaml"),
        (["evaluate", "no-such-folder"], "error: no-such-folder"),
        (["convert", "no-such.pt", "out.safetensors"], "error: no-such.pt"),
    ],
)
def test_a_missing_file(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    done = command(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_training_without_its_extra(monkeypatch):
    for name in [x for x in sys.modules if x.startswith("searchtransfer.training.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "yaml", None)
    done = command("train", "ttsr")
    assert done.exit_code == 2
    assert "training needs the package yaml: pip install 'searchtransfer[train]'" in done.stderr
