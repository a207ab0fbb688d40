# SPDX-License-Identifier: Apache-2.0
"""What several benchmarks share: clocks, scenes, photos, tables, the name of the machine."""
