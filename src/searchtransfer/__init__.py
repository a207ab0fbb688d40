# SPDX-License-Identifier: Apache-2.0
"""Reference-based super-resolution: a small image made sharp with the texture of a reference."""
