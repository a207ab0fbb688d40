# SPDX-License-Identifier: Apache-2.0
"""What a running process is told, has, and is asked: memory, devices, signals, progress."""
