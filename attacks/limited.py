# SPDX-License-Identifier: Apache-2.0
"""Reads image files in a process with limits on memory and time, and says what became of each.

    python -m attacks.limited MIB SECONDS FILE...

A line for each file: `read H W`, or the error's class and message. Anything but an error of this
package ends the process.
"""

import resource
import sys
import warnings


def main(mebibytes: str, seconds: str, *paths: str) -> None:
    """Set the limits after the libraries are loaded, which take much address space."""
    from searchtransfer.errors import SearchTransferError
    from searchtransfer.images import read_image

    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115, PTH123
    most = used + int(mebibytes) * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    warnings.simplefilter("ignore")
    for path in paths:
        try:
            height, width = read_image(path).size
            print("read", height, width, flush=True)
        except SearchTransferError as error:
            print(f"{type(error).__name__} {str(error)!r}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
