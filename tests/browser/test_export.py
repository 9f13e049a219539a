"""The export as a person uses it: what it will hold, how far it is, how it is stopped, and the sheet for paper."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from playwright.async_api import Browser, Route, expect

from producers.activities import license_updated, user_deleted
from query_api.access.auth import Caller
from query_api.http import export as export_module
from query_api.log.filters import Selection
from query_api.log.reader import Line
from tests.browser import year
from tests.browser.conftest import Hand, Panel, page_of, problem
from tests.browser.demo_data import served, store_of
from tests.builders import NOW
from tests.fakes.reader import InMemoryLogReader

LINES = 50
GONE = year.LEAVERS[0]
STUB = """
const { get } = Object.getOwnPropertyDescriptor(HTMLIFrameElement.prototype, 'contentWindow');
const print = () => { window.printed = true; };
Object.defineProperty(HTMLIFrameElement.prototype, 'contentWindow', {
  get() { return Object.assign(get.call(this), { print }); },
});
"""
"""What is handed to the printer is looked at instead."""


def events() -> Iterator[Any]:
    """License changes, one about a person with markup in the name, and one about a person who was deleted."""
    context = year.by_hand(1)
    people = [GONE, replace(year.PEOPLE[0], display_name="<b>=1+1</b>"), year.LONG, *year.PEOPLE[1:]]
    for number in range(LINES - 1):
        at = year.stamp(f"export {number}", NOW - timedelta(minutes=number + 2))
        yield license_updated(context, people[number % 20], at, previous_license=None, new_license="Data Reader")
    yield user_deleted(context, GONE, year.stamp("export", NOW - timedelta(minutes=1)))


@pytest.fixture(scope="module")
async def log() -> AsyncIterator[tuple[str, InMemoryLogReader]]:
    """The address of a server, and the log behind it."""
    store = store_of(sorted(events(), key=lambda event: event.occurred_at))
    async with served(store) as url:
        yield url, store


@pytest.fixture
async def panel(chromium: Browser, log: tuple[str, InMemoryLogReader]) -> AsyncIterator[Panel]:
    """The panel on these lines, with the export's menu open."""
    page, failures = await page_of(chromium, script=STUB, locale="en-GB")
    found = await Hand(page, *log).open()
    await page.locator("#export").click()
    yield found
    await page.context.close()
    assert failures == []


async def test_the_preview_says_what_the_file_will_hold(panel: Panel) -> None:
    menu = panel.dialog.locator(".menu")
    await expect(menu.locator(".total")).to_have_text("50 activities")
    facts = menu.locator("dl div")
    await expect(facts).to_have_text(["Period26 Oct 2026 to 24 Nov 2026", "Time zoneEurope/Paris, UTC+1"])
    await panel.choice("License changed").check()
    await expect(panel.chips).to_have_count(2)
    await panel.settled()
    await panel.page.locator("#export").click()
    await expect(menu.locator(".total")).to_have_text("49 activities")
    await expect(facts.last).to_have_text("ActivityLicense changed")


@pytest.mark.parametrize(("button", "ending"), [("Excel", "xlsx"), ("CSV", "csv")])
async def test_a_file_to_read_is_in_the_zone_and_the_language_of_the_panel(
    panel: Panel, button: str, ending: str
) -> None:
    async with panel.page.expect_request("**/v1/activities/export?*") as asked, panel.page.expect_download() as saved:
        await panel.dialog.get_by_role("button", name=button, exact=True).click()
    assert "lang=en" in (await asked.value).url
    assert "tz=Europe%2FParis" in (await asked.value).url
    assert (await saved.value).suggested_filename == f"user-activity_acme_2026-10-26_2026-11-24.{ending}"
    content = Path(await (await saved.value).path()).read_bytes()
    assert content[:2] == b"PK" if ending == "xlsx" else b"\r\n2026-11-24 10:30:07," in content
    await expect(panel.dialog.locator(".menu")).to_be_hidden()
    await expect(panel.page.locator("#export")).to_be_focused()


async def test_an_export_tells_how_far_it_is_and_can_be_stopped(
    panel: Panel, log: tuple[str, InMemoryLogReader]
) -> None:
    store, gate = log[1], asyncio.Event()
    read = store.lines

    async def lines(caller: Caller, selection: Selection) -> list[Line]:
        if selection.limit == 20 and selection.after is not None:
            await gate.wait()
        return await read(caller, selection)

    saved: list[Any] = []
    panel.page.on("download", lambda download: saved.append(download))  # noqa: PLW0108 - a builtin takes no mark
    menu = panel.dialog.locator(".menu")
    with patch.object(export_module, "BATCH_LINES", 20), patch.object(store, "lines", lines):
        await panel.named("JSON Lines").click()
        await expect(menu.locator("p").first).to_have_text("20 of 50")
        await expect(menu.get_by_role("progressbar", name="20 of 50")).to_have_attribute("max", "50")
        await expect(panel.named("Cancel")).to_be_focused()
        await panel.named("Cancel").click()
        await expect(panel.dialog.locator("#announcement")).to_contain_text("canceled")
        await expect(menu.get_by_role("button")).to_have_count(6)
        assert saved == []
        gate.set()
        async with panel.page.expect_download():
            await panel.named("JSON Lines").click()


async def test_whoever_closed_the_menu_of_an_export_is_not_disturbed(panel: Panel) -> None:
    released = asyncio.Event()

    async def fail(route: Route) -> None:
        await released.wait()
        await route.abort()

    await panel.page.route("**/v1/activities/export?*", fail)
    await panel.named("Excel").click()
    await expect(panel.named("Cancel")).to_be_focused()
    await panel.page.keyboard.press("Escape")
    await expect(panel.page.locator("#export")).to_have_attribute("aria-busy", "true")
    await panel.page.locator("#admins").click()
    released.set()
    await expect(panel.page.locator(".summary")).to_contain_text("The export failed and no file was saved")
    await expect(panel.page.locator("#admins")).to_be_focused()


async def test_the_sheet_for_paper_has_everything_under_what_it_is_and_no_control(panel: Panel) -> None:
    await panel.dialog.get_by_role("button", name="Print", exact=True).click()
    await panel.page.wait_for_function("() => window.printed")
    frame = panel.page.frames[-1]
    facts = dict(
        zip(await frame.locator("dt").all_inner_texts(), await frame.locator("dd").all_inner_texts(), strict=True)
    )
    assert facts == {
        "Period": "26 Oct 2026 to 24 Nov 2026",
        "Time zone": "Europe/Paris, UTC+1",
        "Activities": "50",
        "Printed at": "24 Nov 2026, 10:31:07 UTC+1",
        "Export": "user-activity_acme_2026-10-26_2026-11-24.jsonl",
    }
    rows = frame.locator("tbody tr")
    await expect(rows).to_have_count(LINES)
    await expect(rows.first).to_contain_text("Deleted User")
    await expect(frame.get_by_text("<b>=1+1</b>").first).to_be_attached()
    assert await frame.locator("button, input, a, svg, b").count() == 0
    assert str(GONE.display_name) not in await frame.content()
    assert (
        await frame.evaluate("() => getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
    )
    # Nothing of it stays on the page.
    sheet = panel.dialog.locator("iframe")
    await sheet.evaluate("(sheet) => sheet.contentWindow.dispatchEvent(new Event('afterprint'))")
    await expect(sheet).to_have_count(0)


async def test_a_sheet_that_waits_for_the_printer_goes_with_the_readers_right_to_read(panel: Panel) -> None:
    await panel.dialog.get_by_role("button", name="Print", exact=True).click()
    await panel.page.wait_for_function("() => window.printed")
    await expect(panel.dialog.locator("iframe")).to_have_count(1)
    await panel.page.route("**/v1/**", problem(401))
    await panel.choice("License changed").check()
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(panel.dialog.locator("iframe")).to_have_count(0)


async def test_a_sheet_that_is_canceled_while_it_loads_is_not_printed(panel: Panel) -> None:
    gate = asyncio.Event()

    async def late(route: Route) -> None:
        await gate.wait()
        await route.continue_()

    await panel.page.route("**/print-sheet.js", late)
    async with panel.page.expect_request("**/print-sheet.js"):
        await panel.dialog.get_by_role("button", name="Print", exact=True).click()
    await panel.named("Cancel").click()
    gate.set()
    await expect(panel.dialog.locator("#announcement")).to_contain_text("canceled")
    assert await panel.page.evaluate("() => window.printed") is None
    await expect(panel.dialog.locator("iframe")).to_have_count(0)


async def test_what_is_too_much_for_a_form_is_said_before(panel: Panel) -> None:
    async def many(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json={**json.loads(await answer.text()), "total": 20_001})

    await panel.page.route("**/v1/activities/stats?*", many)
    await panel.choice("License changed").check()
    await panel.settled()
    await panel.page.locator("#export").click()
    menu = panel.dialog.locator(".menu")
    await expect(menu.locator(".total")).to_have_text("20,001 activities")
    for name, most in ("Excel", "20,000"), ("Print", "5,000"):
        await expect(menu.get_by_role("button", name=name, exact=True)).to_be_disabled()
        await expect(menu).to_contain_text(f"{name}: at most {most} activities.")
    await expect(menu.get_by_role("button", name="CSV", exact=True)).to_be_enabled()
