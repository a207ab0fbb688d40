# SPDX-License-Identifier: Apache-2.0
"""Training of TTSR: pairs of patches, and the losses of its paper."""
