# SPDX-License-Identifier: Apache-2.0
"""Many pictures: albums, and every engine over 200 images."""
