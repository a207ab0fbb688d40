# SPDX-License-Identifier: Apache-2.0
"""Film: a small film and sharp photos of its scenes in, a large film out (extra `video`)."""

from .decoding import clock as clock
from .encoding import CODECS as CODECS
from .encoding import CONTAINERS as CONTAINERS
from .encoding import Codec as Codec
from .identity import digest as digest
from .job import FilmOutcome as FilmOutcome
from .job import FilmSettings as FilmSettings
from .job import upscale_film as upscale_film
from .keyframes import KeyFilm as KeyFilm
from .keyframes import KeyFolder as KeyFolder
from .keyframes import Keyframes as Keyframes
from .making import Made as Made
from .making import Maker as Maker
from .reading import Film as Film
from .reading import is_film as is_film
from .reading import read_film as read_film
from .steadying import steadied as steadied
