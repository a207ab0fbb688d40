# SPDX-License-Identifier: Apache-2.0
"""The public names are found where they live; nothing heavy is imported before they are used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import searchtransfer

HEAVY = ("torch", "numpy", "PIL", "OpenImageIO", "safetensors", "skimage", "torchvision")


def declared() -> dict[str, str]:
    """Names and homes as type checkers see them."""
    tree = ast.parse(Path(searchtransfer.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {
        alias.asname: f".{node.module}"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname
    }


def test_lazy_names_are_those_of_the_type_checker():
    assert declared() == searchtransfer._HOME


@pytest.mark.parametrize("name", searchtransfer._HOME)
def test_each_name_is_there(name):
    assert getattr(searchtransfer, name).__name__ == name
    assert name in dir(searchtransfer)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = searchtransfer.nothing


def imported(code: str, tmp_path: Path) -> set[str]:
    """Heavy packages imported by some code, in a process where torchvision is broken."""
    fake = tmp_path / "torchvision"
    fake.mkdir(exist_ok=True)
    (fake / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms is missing')")
    source = Path(searchtransfer.__file__).parent.parent
    script = (
        f"import sys; sys.path[:0] = [{str(source)!r}, {str(tmp_path)!r}]\n"
        f"try:\n    {code}\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('IMPORTED', *(x for x in {HEAVY!r} if x in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("IMPORTED")[2].split())


def test_the_probe_notices_imports(tmp_path):
    assert "numpy" in imported("import numpy", tmp_path)


def test_importing_the_package_imports_nothing_heavy(tmp_path):
    assert imported("import searchtransfer", tmp_path) == set()


def test_names_work_beside_a_broken_torchvision(tmp_path):
    found = imported("from searchtransfer import Upscaler, search, SearchTransfer", tmp_path)
    assert "torch" in found
    assert "torchvision" not in found


def test_help_of_every_command_imports_nothing_heavy(tmp_path):
    code = "; ".join(
        [
            "import contextlib",
            "from searchtransfer.cli import app",
            "names = [x.name or x.callback.__name__ for x in app.registered_commands]",
            "assert {'upscale', 'match', 'demo', 'train', 'evaluate', 'info'} <= set(names)",
            "[app([*name, '--help'], standalone_mode=False) for name in ((), *zip(names))]",
            "app(['--version'], standalone_mode=False)",
        ]
    )
    assert imported(code, tmp_path) == set()
