# SPDX-License-Identifier: Apache-2.0
"""Every error this package raises on purpose; one base class, so that one `except` is enough.

Each message says what is wrong and where, what was found and expected, and what to do.
"""


class SearchTransferError(Exception):
    """Base of all errors raised by this package."""


class ShapeError(SearchTransferError, ValueError):
    """A tensor has the wrong rank, or its size does not fit its partner's."""


class DTypeError(SearchTransferError, TypeError):
    """A tensor has a dtype or device that the operation does not take."""


class NonFiniteError(SearchTransferError, ValueError):
    """A tensor holds NaN or infinity where only finite numbers make sense."""


class OptionError(SearchTransferError, ValueError):
    """An option has a value outside its allowed range."""


class ImageFileError(SearchTransferError):
    """An image file cannot be read, or cannot hold what is to be written."""


class OutputError(SearchTransferError):
    """An output path cannot be used: it exists, is an input, or cannot be written."""


class WeightsError(SearchTransferError):
    """A weights or reference file is damaged, unsafe, or does not fit the model."""


class BackendError(SearchTransferError, RuntimeError):
    """The search backend asked for cannot run here; the message says why."""


class DataError(SearchTransferError):
    """A data set is laid out otherwise than stated, or too many of its files cannot be used."""


class ConfigError(SearchTransferError, ValueError):
    """A configuration has an unknown key, a value of the wrong type, or one out of range."""


class TrainingError(SearchTransferError, RuntimeError):
    """Training had to stop; the message says why, and what has been kept."""


class OutOfMemoryError(SearchTransferError, MemoryError):
    """There is not enough memory, even for smaller pieces; the message says what needs less."""


class MissingExtraError(SearchTransferError, ImportError):
    """An optional package is not installed, or does not work; the message says how to get it."""
