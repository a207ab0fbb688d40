# SPDX-License-Identifier: Apache-2.0
"""The networks that can be trained, by the name that a configuration gives: what each is told, and
its task."""

from .config import TrainConfig
from .fusion.config import FusionConfig
from .task import Task
from .ttsr.config import TTSRConfig

CONFIGS: dict[str, type[TrainConfig]] = {"ttsr": TTSRConfig, "fusion": FusionConfig}


def task_for(config: TrainConfig) -> Task:
    """The task of the network that a configuration is for."""
    if isinstance(config, FusionConfig):
        from .fusion.task import FusionTask

        return FusionTask(config)
    if isinstance(config, TTSRConfig):
        from .ttsr.task import TTSRTask

        return TTSRTask(config)
    raise TypeError(f"no network is trained by a {type(config).__name__}")
