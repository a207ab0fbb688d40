# SPDX-License-Identifier: Apache-2.0
"""Networks that come from files, folders and repositories of the hub, and go there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from torch import nn

from ..errors import OptionError, WeightsError
from ..foreign import shown
from ..given import check_path
from .arguments import Argument
from .build import build
from .file import read_weights
from .publishing import Published
from .repository import MAIN, download, is_hub_id

Network = TypeVar("Network", bound="Pretrained")


class Pretrained(Published, nn.Module):
    """A network that describes itself, so that its files say all that is needed to build it."""

    architecture: ClassVar[str]
    arguments: ClassVar[Mapping[str, Argument]]
    config: dict[str, Any]

    @classmethod
    def from_pretrained(
        cls: type[Network], source: str | Path, *, revision: str | None = None
    ) -> Network:
        """Build a network as its file describes it, with its weights, for inference.

        Args:
            source: a file of weights, a folder with `model.safetensors`, or "owner/name" on the
                Hugging Face hub. What was downloaded before serves where there is no network.
            revision: branch, tag or commit, of a repository on the hub.

        Raises:
            OptionError: nothing of that name is here, or a revision of what is no repository.
            WeightsError: the weights cannot be had or read, have no description, or are of another
                network.
            MissingExtraError: the hub is asked for and its library is not installed.
        """
        check_path("source", source)
        path = _path(str(source), revision)
        file = read_weights(path)
        if file.description is None:
            raise WeightsError(
                f"{file.path}: does not say what it is of, as files of this package do; "
                "a released checkpoint of TTSR is read by load_ttsr"
            )
        config = file.description.config
        scale = config.get("scale", getattr(cls, "scale", 4))  # files of 0.1 do not say it twice
        file.description.require(cls.architecture, scale, file.path)
        return build(cls, config, file).eval()

    def _networks(self) -> dict[str, nn.Module]:
        """The network itself, by the name of its file."""
        return {MAIN: self}


def _path(source: str, revision: str | None) -> Path:
    """The file that something stands for."""
    if is_hub_id(source):
        return download(source, revision) / MAIN
    if revision is not None:
        raise OptionError(
            f"revision {revision!r} is of a repository (owner/name) on the hub, and "
            f"{shown(source)} is none; leave it out"
        )
    path = Path(source)
    if not source or not path.exists():
        raise OptionError(
            "source must be a file of weights or a folder that is there, or owner/name on the hub, "
            f"got {shown(source)}"
        )
    return path / MAIN if path.is_dir() else path
