# SPDX-License-Identifier: Apache-2.0
"""The one way to write a file; a leaf of the package that knows nothing of what is written.

Before the work::

    check_file(path, on_exists="error", inputs=[photo, weights], what="report")

finds out, changing nothing, whether the path can be written: it is no input, no folder, is not
there already (or may be replaced), and its folder takes a new file. After the work::

    write_file(path, content, on_exists="error", what="report")

writes bytes to a hidden file beside the target, forces it to the disk, and moves it to its name in
one step, so that a file is there whole or not at all. `whole_file` is the same for content that is
written piece by piece. What a killed process left behind is cleared by the next that writes into
the folder, or by `clear_leftovers`; a file that a living process is at work on is left alone.

Files that grow line by line are a `LineFile`: each line is there whole, or an error says why not.

Every fault is an `OutputError` that names the file; its cause is the system's error (a full disk
has the errno ENOSPC there). `shown` is how a path is written in messages.
"""

from ..foreign import shown as shown
from .checks import OnExists as OnExists
from .checks import StrPath as StrPath
from .checks import check_file as check_file
from .leftovers import clear_leftovers as clear_leftovers
from .lines import LineFile as LineFile
from .writing import whole_file as whole_file
from .writing import write_file as write_file
