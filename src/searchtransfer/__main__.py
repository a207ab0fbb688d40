# SPDX-License-Identifier: Apache-2.0
"""`python -m searchtransfer` is the command `searchtransfer`."""

from .cli import main

main()
