# SPDX-License-Identifier: Apache-2.0
"""How near results are to the truth, beside other ways."""
