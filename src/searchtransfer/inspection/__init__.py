# SPDX-License-Identifier: Apache-2.0
"""Inspection: what a result of the upscaler was made of, made ready to be looked at."""

from .result import inspect_result as inspect_result
