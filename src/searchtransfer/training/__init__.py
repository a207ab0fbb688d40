# SPDX-License-Identifier: Apache-2.0
"""Training: data, losses, and the loop that brings them together."""
