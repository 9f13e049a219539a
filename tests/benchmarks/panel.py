"""From the click to the first lines of the panel: `python -m tests.benchmarks.panel` while `make demo` runs.

Opens the demo's page anew for each figure, with an empty cache, in headless Chromium: click the button, and stop at the
frame after the first lines are drawn. The modules of the log come within that time; with `--hover` the pointer rests on
the button before, as a hand's does, and they come meanwhile. Needs a quiet machine; the target is 300 ms at the 95th
percentile.
"""

import argparse
import asyncio
import statistics

from playwright.async_api import Browser, async_playwright

from deploy.local.layout import DEFAULT_PORT_BASE, HOST, Ports
from tests.benchmarks.machine import watched
from tests.benchmarks.table import at_most, table
from tests.chromium import ARGUMENTS, ensure_browser

OPENINGS = 30
WARM_UP = 2
HOVER_MS = 150
TARGET_P95_MS = 300
CLICK_TO_LINES = """async (element) => {
  const frame = () => new Promise(requestAnimationFrame);
  const started = performance.now();
  element.shadowRoot.getElementById('open').click();
  while (!element.shadowRoot.querySelector('tr.line')) await frame();
  // The first frame draws the lines, and the second begins once they are on the screen.
  await frame();
  return performance.now() - started;
}"""


async def opening_ms(browser: Browser, url: str, *, hovers: bool) -> float:
    """Milliseconds from the click to the lines, on a page of its own."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    page = await context.new_page()
    await page.goto(f"{url}/demo")
    await page.locator("#users").wait_for()
    await page.locator("#open").wait_for()
    if hovers:
        await page.locator("#open").hover()
        await page.wait_for_timeout(HOVER_MS)
    taken: float = await page.locator("user-management-log").evaluate(CLICK_TO_LINES)
    await context.close()
    return taken


async def measure(url: str, openings: int, *, hovers: bool) -> list[float]:
    """One figure for each opening, after a few that only warm the service up."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure_browser(), args=list(ARGUMENTS))
        taken = [await opening_ms(browser, url, hovers=hovers) for _ in range(openings + WARM_UP)]
        await browser.close()
    return taken[WARM_UP:]


def main() -> None:
    """Measure and print."""
    ports = Ports.from_base(DEFAULT_PORT_BASE)
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.panel", description="From click to first lines.")
    parser.add_argument("--url", default=f"http://{HOST}:{ports.query_api}", help="where the query API is")
    parser.add_argument("--openings", type=int, default=OPENINGS, help="how many figures to take")
    parser.add_argument("--hover", action="store_true", help=f"let the pointer rest on the button for {HOVER_MS} ms")
    arguments = parser.parse_args()
    with watched(is_alone=False) as watch:
        taken = asyncio.run(measure(arguments.url, arguments.openings, hovers=arguments.hover))
    p95 = statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]
    what = "click to first lines, p95" + (", pointer on the button before" if arguments.hover else "")
    unit = f"ms (median {statistics.median(taken):.0f})"
    print(table([at_most(what, p95, TARGET_P95_MS, unit)], watch, f"{len(taken)} openings"))


if __name__ == "__main__":
    main()
