# SPDX-License-Identifier: Apache-2.0
"""What can be saved as a folder of weights with a card, and uploaded to the Hugging Face hub."""

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Literal

from torch import nn

from .repository import push, save_folder


class Published(ABC):
    """Something whose weights others can have."""

    @abstractmethod
    def _networks(self) -> dict[str, nn.Module]:
        """Its networks by the names of their files."""

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        licence: str,
        on_exists: Literal["error", "overwrite"] = "error",
    ) -> None:
        """Write the weights and a card into a folder; `from_pretrained` reads it.

        Args:
            folder: made where it is missing.
            licence: of the weights, as the hub calls it ("apache-2.0"); it goes into the card.
            on_exists: what to do where its files are there already.

        Raises:
            OptionError: it has no weights, or the licence is no name.
            OutputError: a file is there, or cannot be written.
        """
        save_folder(self._networks(), folder, licence=licence, on_exists=on_exists)

    def push_to_hub(
        self,
        repository: str,
        *,
        licence: str,
        private: bool = False,
        revision: str | None = None,
        message: str = "Weights for searchtransfer",
        token: str | None = None,
    ) -> str:
        """Upload what `save_pretrained` writes to the Hugging Face hub.

        Args:
            repository: "owner/name"; made where it is missing.
            licence: of the weights, as the hub calls it.
            private: of a repository that is made.
            revision: branch to write to; None for the main one.
            message: of the commit.
            token: of the hub; None for the one that its library keeps.

        Returns:
            The address of the commit.

        Raises:
            OptionError: it has no weights, or the licence is no name.
            OutputError: the hub did not take it.
            MissingExtraError: the hub's library is not installed.
        """
        return push(
            self._networks(),
            repository,
            licence=licence,
            private=private,
            revision=revision,
            message=message,
            token=token,
        )
