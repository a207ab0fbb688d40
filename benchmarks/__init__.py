# SPDX-License-Identifier: Apache-2.0
"""What the pages state in figures: measured by `python -m benchmarks.ROOM.NAME`, from a clone.

`python -m benchmarks tables` makes the tables of all pages again.
"""
