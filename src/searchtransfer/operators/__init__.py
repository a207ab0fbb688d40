# SPDX-License-Identifier: Apache-2.0
"""Pure functions on tensors; they know nothing of images, files or networks."""
