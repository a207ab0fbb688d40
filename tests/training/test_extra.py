# SPDX-License-Identifier: Apache-2.0
import subprocess
import sys
from pathlib import Path

import pytest

import searchtransfer
from searchtransfer import training

SOURCE = Path(searchtransfer.__file__).parents[1]


@pytest.mark.parametrize(
    ("package", "name"),
    [("accelerate", "train"), ("tensorboard", "train"), ("yaml", "load_config")],
)
def test_a_missing_package_is_named_with_its_extra(package, name):
    """The package itself can be imported without; only what needs it cannot."""
    code = f"""
import sys
sys.path.insert(0, {str(SOURCE)!r})
sys.modules[{package!r}] = None
import searchtransfer, searchtransfer.training, searchtransfer.training.data
from searchtransfer.errors import MissingExtraError
try:
    from searchtransfer.training import {name}
except MissingExtraError as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = f"training needs the package {package}; pip install 'searchtransfer[train]'\n"
    assert run.stdout == expected


def test_other_names_do_not_exist():
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        training.trian  # noqa: B018
