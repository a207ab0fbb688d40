# SPDX-License-Identifier: Apache-2.0
"""Networks as folders, and as repositories of the Hugging Face hub.

A folder holds `model.safetensors`, for some models `worn.safetensors` (the network for worn
pictures), and a card, `README.md`. Each file of weights says itself what it is; nothing else of a
repository is read.
"""

import logging
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ..errors import MissingExtraError, OptionError, OutputError, WeightsError
from ..files import OnExists, check_file, write_file
from ..foreign import shown
from ..given import check_path, check_word
from .save import save_weights

MAIN, WORN, CARD = "model.safetensors", "worn.safetensors", "README.md"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin", ".png")
"""Of files; no repository is looked for under such a name."""

log = logging.getLogger(__name__)


def card_of(networks: Mapping[str, nn.Module], licence: str, repository: str = "FOLDER") -> str:
    """A model card: what the files are, and how they are used."""
    main: Any = networks[MAIN]
    files = "\n".join(
        f"* `{name}`: {type(x).__name__}, {sum(p.numel() for p in x.parameters()):,} parameters, "
        f"{dict(x.config)}"
        for name, x in networks.items()
        if isinstance(x.config, dict)
    )
    return f"""---
license: {licence}
library_name: searchtransfer
pipeline_tag: image-to-image
tags:
- super-resolution
- reference-based
---

# {main.architecture} x{main.scale}

Reference-based super-resolution, {main.scale} times: a small image is made sharp with the texture
of photos of the same.

{files}

```python
from searchtransfer import Upscaler

upscaler = Upscaler.from_pretrained("{repository}")
upscaler.upscale("small.png", ["sharp.png"]).save("large.png")
```

The network itself:

```python
from searchtransfer.networks import {type(main).__name__}

network = {type(main).__name__}.from_pretrained("{repository}")
```
"""


def save_folder(
    networks: Mapping[str, nn.Module],
    folder: str | Path,
    *,
    licence: str,
    on_exists: OnExists = "error",
    repository: str | None = None,
) -> None:
    """Write networks, by the names of their files, and a card; see `Published.save_pretrained`."""
    check_path("folder", folder)
    check_word("on_exists", on_exists, ("error", "overwrite"))
    folder = Path(folder)
    if not isinstance(licence, str) or not licence.strip() or not licence.isprintable():
        raise OptionError(f"licence must be a name as apache-2.0, got {licence!r}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a name that holds NUL
        reason = getattr(error, "strerror", None) or error
        raise OutputError(
            f"folder {shown(folder)}: cannot be made ({reason}); choose another"
        ) from error
    for name in (*networks, CARD):
        check_file(folder / name, on_exists=on_exists, what="model")
    for name, network in networks.items():
        save_weights(network, folder / name, overwrite=on_exists == "overwrite")
    card = card_of(networks, licence, repository or str(folder))
    write_file(folder / CARD, card.encode(), on_exists=on_exists, what="model card")


def is_hub_id(source: str) -> bool:
    """Whether something can only be the id of a repository: a mistyped path is none.

    A path into a folder that is here, or to a file of weights, never goes to the network.
    """
    return (
        _HUB_ID.fullmatch(source) is not None
        and not source.lower().endswith(_SUFFIXES)
        and not Path(source).parent.exists()
    )


def download(repository: str, revision: str | None = None) -> Path:
    """A repository's weights, from the network, or from the cache where that is not reached.

    Raises:
        WeightsError: it is not to be had.
        MissingExtraError: the hub's library is not installed.
    """
    log.info("looking for %s on the Hugging Face hub", repository)
    hub = _library(f"model {repository!r}: is no file or folder here, and the Hugging Face hub")
    try:
        return Path(
            hub.snapshot_download(repository, revision=revision, allow_patterns=["*.safetensors"])
        )
    except Exception as error:  # of many kinds, by the network, the hub and the file system
        where = "" if revision is None else f" at revision {revision!r}"
        raise WeightsError(f"{repository}{where}: cannot be had from the hub: {error}") from error


def push(
    networks: Mapping[str, nn.Module],
    repository: str,
    *,
    licence: str,
    private: bool,
    revision: str | None,
    message: str,
    token: str | None,
) -> str:
    """Upload networks; see `Published.push_to_hub`."""
    hub = _library("push_to_hub")
    with tempfile.TemporaryDirectory() as folder:
        save_folder(networks, folder, licence=licence, repository=repository)
        try:
            api = hub.HfApi(token=token)
            api.create_repo(repository, private=private, exist_ok=True)
            done = api.upload_folder(
                repo_id=repository,
                folder_path=folder,
                revision=revision,
                commit_message=message,
            )
        except Exception as error:  # as above
            raise OutputError(f"{repository}: cannot be written to the hub: {error}") from error
    return str(done.commit_url)


def _library(who: str) -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise MissingExtraError(
            f"{who} needs huggingface_hub; install it with: pip install 'searchtransfer[hub]'"
        ) from error
    return huggingface_hub
