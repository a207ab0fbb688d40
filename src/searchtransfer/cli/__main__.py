# SPDX-License-Identifier: Apache-2.0
"""`python -m searchtransfer.cli` is the command `searchtransfer`, as launchers need it."""

from . import main

main()
