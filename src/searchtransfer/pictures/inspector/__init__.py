# SPDX-License-Identifier: Apache-2.0
"""The inspector: a page that shows where each point of a result comes from."""

from .page import inspector_page as inspector_page
from .picture import InspectorInput as InspectorInput
from .picture import Photo as Photo
from .provenance import Contributor as Contributor
from .provenance import Provenance as Provenance
from .provenance import Quadrilateral as Quadrilateral
from .provenance import View as View
from .provenance import provenance as provenance
