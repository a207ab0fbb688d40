# SPDX-License-Identifier: Apache-2.0
"""Curves of a training, and the small network that is taught by a script alone."""
