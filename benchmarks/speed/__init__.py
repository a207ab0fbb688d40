# SPDX-License-Identifier: Apache-2.0
"""What one picture costs: seconds, memory, bytes on a disk."""
