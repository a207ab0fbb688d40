# SPDX-License-Identifier: Apache-2.0
"""The networks of a model, as they lie in a folder or repository; see `weights.repository`."""

from torch import nn

from .errors import OptionError
from .models import FusionModel, Model, TTSRModel
from .weights.repository import MAIN, WORN


def networks_of(model: Model) -> dict[str, nn.Module]:
    """The networks of a model by the names of their files.

    Raises:
        OptionError: it has none.
    """
    if isinstance(model, FusionModel):
        worn = {} if model.worn is None else {WORN: model.worn}
        return {MAIN: model.network, **worn}
    if isinstance(model, TTSRModel):
        return {MAIN: model.network}
    raise OptionError(f"model {model.name!r} has no weights that could be saved")
