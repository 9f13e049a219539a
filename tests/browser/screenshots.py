"""The README's pictures of the panel, taken anew: `python -m tests.browser.screenshots [--to DIR]`.

They show the demo's log at a time that stands still (`tests.browser.demo_data`): only the browser and its fonts differ
from one machine to the next.
"""

import argparse
import asyncio
import base64
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import structlog
from playwright.async_api import Browser, Page, Route, async_playwright, expect

from tests.browser.demo_data import demo_log, served
from tests.builders import NOW
from tests.chromium import ARGUMENTS, ensure_browser

FOLDER = Path(__file__).resolve().parents[2] / "query_api" / "panel" / "screenshots"
QUALITY = 55
LOG = "**/v1/activities?*"

# How long a busy machine may take; what is there is seen at once.
expect.set_options(timeout=60_000)

Act = Callable[[Page], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture: what is done on the page before it is taken, and how the page is looked at."""

    act: Act
    width: int = 1200
    height: int = 820
    theme: str = "light"
    language: str = "en"


async def _open(page: Page) -> None:
    await page.locator("#open").click()
    await expect(page.locator("tr.line").first).to_be_visible()
    await expect(page.locator(".histogram svg")).to_be_visible()
    await expect(page.locator("#filters")).to_be_attached()


async def _page_alone(page: Page) -> None:
    await expect(page.locator("#users")).to_be_visible()


async def _filters(page: Page) -> None:
    await _open(page)
    dialog = page.locator("dialog")
    await dialog.get_by_role("checkbox", name="License changed").check()
    await dialog.get_by_role("checkbox", name="User created").check()
    box = dialog.get_by_role("combobox", name="Affected user", exact=True)
    await box.fill("ma")
    await expect(page.locator("[role=option]").nth(3)).to_be_visible()
    await page.locator("[role=option]").first.click()
    await box.press("ArrowDown")
    await expect(page.locator(".chip")).to_have_count(4)
    await expect(page.locator("#count")).not_to_be_empty()


async def _details(page: Page) -> None:
    await _open(page)
    await page.locator("tr.import button").first.click()
    await page.locator("tr.line", has_text="import").first.get_by_role("button").click()
    await expect(page.locator("tr.detail pre")).to_be_visible()
    await page.locator("tr.line[data-open]").evaluate("(row) => row.scrollIntoView({ block: 'start' })")
    await page.mouse.move(0, 0)


async def _export(page: Page) -> None:
    await _open(page)
    dialog = page.locator("dialog")
    await dialog.get_by_role("checkbox", name="User deleted").check()
    await dialog.get_by_role("checkbox", name="Admin rights changed").check()
    await expect(page.locator("#count")).not_to_be_empty()
    await page.locator("#export").click()
    await expect(dialog.locator(".menu .total")).to_be_visible()


async def _error(page: Page) -> None:
    async def refuse(route: Route) -> None:
        headers = {"Content-Type": "application/problem+json"}
        await route.fulfill(status=503, headers=headers, json={"status": 503, "request_id": "5f0c1a3e7b9d4c2f"})

    await _open(page)
    await page.route(LOG, refuse)
    await page.locator("dialog").get_by_role("checkbox", name="API", exact=True).check()
    await expect(page.locator("dialog [role=alert]")).to_be_visible()


async def _empty(page: Page) -> None:
    await _open(page)
    await page.locator("#period").select_option("today")
    await page.locator("dialog").get_by_role("checkbox", name="User deleted").check()
    await page.locator("dialog").get_by_role("checkbox", name="Web UI").check()
    await expect(page.locator("dialog .state")).to_be_visible()
    # The counts come behind the lines.
    await page.wait_for_load_state("networkidle")


SHOTS = {
    "demo-page": Shot(_page_alone),
    "table": Shot(_open),
    "filters": Shot(_filters),
    "details-dark-french": Shot(_details, theme="dark", language="fr"),
    "cards-320": Shot(_open, width=320, height=720),
    "export": Shot(_export),
    "error": Shot(_error),
    "empty": Shot(_empty),
}


async def take(browser: Browser, url: str, shot: Shot) -> bytes:
    """The picture, as WebP: a third of the size of a PNG."""
    context = await browser.new_context(
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.theme == "dark" else "light",
        timezone_id="Europe/Paris",
        locale="en-GB",
        reduced_motion="reduce",
        bypass_csp=True,
    )
    page = await context.new_page()
    await page.clock.set_fixed_time(NOW)
    await page.goto(f"{url}/demo?{urlencode({'lang': shot.language})}")
    # A caret that blinks is in one picture and not in the next.
    await page.add_style_tag(content="html { caret-color: transparent; }")
    await shot.act(page)
    session = await context.new_cdp_session(page)
    taken = await session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    await context.close()
    return base64.b64decode(taken["data"])


async def take_all(folder: Path) -> None:
    """Write every picture into *folder*, which must exist."""
    async with served(demo_log()) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure_browser(), args=list(ARGUMENTS))
        for name, shot in SHOTS.items():
            content = await take(browser, url, shot)
            (folder / f"{name}.webp").write_bytes(content)
            print(f"{name}.webp: {len(content) / 1000:.0f} kB")  # noqa: T201 - what the command says
        await browser.close()


def main() -> None:
    """Take them all."""
    # The API runs in this process, and its log of requests is of no interest here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description="The README's pictures.")
    parser.add_argument("--to", type=Path, default=FOLDER, help="the folder to write them into")
    asyncio.run(take_all(parser.parse_args().to))


if __name__ == "__main__":
    main()
