# SPDX-License-Identifier: Apache-2.0
"""The same random numbers and patience for every test, and one browser for all that need it."""

import logging
import os
import shutil
from collections.abc import Iterator
from typing import Any

import jaxtyping
import pytest
import torch
from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

# Where it is set, each process that a test starts would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def as_users_run() -> Iterator[None]:
    """Without the shape checks that only the tests have, so that our own validation is reached."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


REQUIRED = "SEARCHTRANSFER_BROWSER"
"""Set to `required` where a missing browser is a failure."""


def missing(what: str) -> None:
    """Skip, or fail where a browser has to be there."""
    reason = f"this is tested in a browser, and {what}"
    if os.environ.get(REQUIRED) == "required":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed: pip install 'searchtransfer[test]'")
    path = shutil.which("chromium")
    if path is None:
        missing("there is no chromium: apt-get install chromium")
    with sync_playwright() as driver:
        # Its own sandbox needs user namespaces, which containers and root do not have.
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def _logging_stays_as_it_was() -> Iterator[None]:
    """What the command line sets in a test is not what the next one hears."""
    log = logging.getLogger("searchtransfer")
    level, handlers = log.level, list(log.handlers)
    yield
    log.setLevel(level)
    log.handlers[:] = handlers
