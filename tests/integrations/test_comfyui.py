# SPDX-License-Identifier: Apache-2.0
"""The node as ComfyUI calls it; ComfyUI itself is not needed."""

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch

from searchtransfer.errors import OptionError

FOLDER = Path(__file__).parents[2] / "integrations/comfyui"


@pytest.fixture(scope="module")
def node() -> Any:
    """As ComfyUI loads a folder of `custom_nodes`."""
    spec = importlib.util.spec_from_file_location("searchtransfer_node", FOLDER / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.NODE_CLASS_MAPPINGS.keys() == module.NODE_DISPLAY_NAME_MAPPINGS.keys()
    (kind,) = module.NODE_CLASS_MAPPINGS.values()
    return kind


def test_the_contract(node: Any) -> None:
    inputs = node.INPUT_TYPES()
    assert inputs["required"]["image"] == ("IMAGE",)
    assert inputs["optional"]["reference"] == ("IMAGE",)
    for name in ("model", "scale"):
        choices, options = inputs["required"][name]
        assert options["default"] == choices[0]
    assert node.RETURN_TYPES == ("IMAGE",)
    assert isinstance(node.CATEGORY, str)
    assert callable(getattr(node(), node.FUNCTION))


def run(node: Any, **inputs: Any) -> torch.Tensor:
    """As ComfyUI executes a node."""
    (image,) = getattr(node(), node.FUNCTION)(**inputs)
    return image


def test_batches_of_images_and_photos(node: Any) -> None:
    photos = torch.rand(2, 40, 44, 3)
    small = torch.nn.functional.avg_pool2d(photos.movedim(-1, 1), 2).movedim(1, -1)[:, :9, :12]
    sharp = run(node, image=small, model="transfer", scale="2", reference=photos)
    assert sharp.shape == (2, 18, 24, 3)
    assert sharp.dtype == torch.float32
    assert 0 <= sharp.min() <= sharp.max() <= 1
    # Each image of the batch is what it is alone.
    alone = run(node, image=small[1:], model="transfer", scale="2", reference=photos)
    assert torch.equal(sharp[1:], alone)


def test_without_a_reference(node: Any) -> None:
    sharp = run(node, image=torch.rand(1, 5, 6, 3), model="fusion", scale="4")
    assert sharp.shape == (1, 20, 24, 3)
    with pytest.raises(OptionError, match="needs a reference"):
        run(node, image=torch.rand(1, 5, 6, 3), model="transfer", scale="4")
