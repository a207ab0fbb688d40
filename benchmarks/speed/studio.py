# SPDX-License-Identifier: Apache-2.0
"""How long people wait for the studio: from the command to the page, from the click to the result.

    python -m benchmarks.speed.studio [--runs 3]

Drives Chromium; needs the extras `studio` and `test`. Each run is a new server and a new tab.
The pair is the built-in one, 185 x 125 pixels made four times larger with 741 x 500 pixels.
"""

import argparse
import shutil
import signal
import statistics
import subprocess
import sys
import time
from typing import Any

from playwright.sync_api import sync_playwright


def run(browser: Any) -> tuple[float, float, float]:
    """Seconds to the page, from the click to the result, and from there to the inspector."""
    begin = time.perf_counter()
    studio = subprocess.Popen(
        [sys.executable, "-m", "searchtransfer", "studio", "--port", "0"], stdout=subprocess.PIPE
    )
    try:
        assert studio.stdout is not None
        address = studio.stdout.readline().decode().split()[2]
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(300_000)
        page.goto(address)
        page.locator("st-drop").first.wait_for()
        opened = time.perf_counter() - begin
        page.get_by_role("button", name="Use the example").click()
        page.locator(".st-files li").nth(1).wait_for()
        begin = time.perf_counter()
        page.locator("#start").click()
        page.locator("st-compare .st-stage").wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('st-compare img')].every(x => x.complete)"
        )
        shown = time.perf_counter() - begin
        page.locator("#start:enabled").wait_for()
        inspected = time.perf_counter() - begin - shown
        page.close()
    finally:
        studio.send_signal(signal.SIGINT)
        studio.wait()
    return opened, shown, inspected


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        times = [run(browser) for _ in range(runs)]
        browser.close()
    for name, values in zip(
        ("command to page", "click to result", "result to inspector"),
        zip(*times, strict=True),
        strict=True,
    ):
        print(
            f"{name:20} median {statistics.median(values):5.1f} s  "
            f"({', '.join(f'{x:.1f}' for x in values)})"
        )


if __name__ == "__main__":
    main()
