# SPDX-License-Identifier: Apache-2.0
"""Many images unattended: what is written where is planned and checked first, then done."""

from ..images.files import images_in as images_in
from ..images.listing import LeftOut as LeftOut
from ..images.listing import left_out_text as left_out_text
from ..process.stop import Stop as Stop
from ..process.stop import Stopped as Stopped
from .elsewhere import Elsewhere as Elsewhere
from .engines import engine_for as engine_for
from .from_album import FromAlbum as FromAlbum
from .here import here as here
from .maker import Provider as Provider
from .manifest import Manifest as Manifest
from .matching import Maps as Maps
from .matching import write_maps as write_maps
from .moving import fetch_files as fetch_files
from .on_ray import on_ray as on_ray
from .outcome import Outcome as Outcome
from .outcome import Quality as Quality
from .pairing import paired as paired
from .plan import Job as Job
from .plan import manifest_folder as manifest_folder
from .plan import plan_batch as plan_batch
from .processes import processes as processes
from .references import References as References
from .references import files_of as files_of
from .references import read_references as read_references
from .run import run_batch as run_batch
from .settings import Settings as Settings
from .shelf import Shelf as Shelf
from .shelf import same_for_all as same_for_all
from .watcher import Watcher as Watcher
