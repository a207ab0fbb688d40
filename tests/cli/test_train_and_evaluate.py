# SPDX-License-Identifier: Apache-2.0
"""`train`, `evaluate` and `convert` tell errors as all commands do; other tests are elsewhere."""

import pytest
from cli.commands import command


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "no-such.yaml"], "error: no-such.yaml"),
        (["evaluate", "no-such-folder"], "error: folder 'no-such-folder'"),
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
