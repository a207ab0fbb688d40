# SPDX-License-Identifier: Apache-2.0
"""The search alone: its ways, its stages, its growth, and the page of its speed."""
