# SPDX-License-Identifier: Apache-2.0
"""A network as its file describes it; a false description is found before it costs anything."""

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from torch import nn

from ..errors import OptionError, WeightsError
from .arguments import faults_of
from .file import WeightsFile
from .load import check_tensors, load_state

Network = TypeVar("Network", bound=nn.Module)


def build(kind: type[Network], config: Mapping[str, Any], file: WeightsFile) -> Network:
    """Build a network and load its weights.

    Nothing is built before arguments are within their bounds, and nothing takes memory before the
    tensors of the file have the shapes that follow from them.

    Args:
        kind: a class of networks that says in `arguments` what these may be.
        config: its arguments, from a file that may be anybody's.
        file: with the tensors.

    Raises:
        WeightsError: an argument is unknown or outside its bounds, or the tensors do not fit.
    """
    faults = faults_of(config, kind.arguments)  # type: ignore[attr-defined]
    if faults:
        raise WeightsError(
            f"{file.path}: its description cannot be that of a network: {'; '.join(faults[:5])}"
        )
    try:
        with torch.device("meta"):
            outline = kind(**config)
    except OptionError as error:
        raise WeightsError(f"{file.path}: its description cannot be built: {error}") from None
    check_tensors(file.tensors, {k: v.shape for k, v in outline.state_dict().items()}, file.path)
    # Whatever the process makes networks of; its random numbers go on as if none had been made.
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        network = kind(**config).float()
    load_state(network, file)
    return network
