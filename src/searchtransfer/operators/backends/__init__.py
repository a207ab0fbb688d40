# SPDX-License-Identifier: Apache-2.0
"""Ways to compute the same search; `literal` is the oracle for all others."""
