# SPDX-License-Identifier: Apache-2.0
"""Training of FusionNet: crops are searched once and stored, then trained on."""
