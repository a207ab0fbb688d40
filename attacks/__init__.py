# SPDX-License-Identifier: Apache-2.0
"""Hostile files, made here, each tiny, with what must be said of it.

    python -m attacks.images FOLDER      writes every hostile image file
    python -m attacks.fuzz_images [COUNT] [SEED]   mutates good image files and reads them

The tests read every file in a process with limits on time and memory.
"""
