"""The panel does what its users were promised: a test for each quality, in a real browser, on the real stack."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx
import pytest
from playwright.async_api import Page, Request, Response, Route, expect

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, UiSession
from tests.browser.conftest import ZONE, OpenPanel, Panel, problem, wait_for_lines
from tests.browser.seed import ADA, BOB, GRACE, SEEDED_LINES, import_events, many_events

LOG = "**/v1/activities?*"


def asked(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.url).query)


async def asked_after(panel: Panel, act: Callable[[], Awaitable[object]]) -> dict[str, list[str]]:
    """What the API is asked for the list because of *act*, and not by a poll."""

    def is_asked(request: Request) -> bool:
        return urlsplit(request.url).path == "/v1/activities" and "if-none-match" not in request.headers

    async with panel.page.expect_request(is_asked) as found:
        await act()
    return asked(await found.value)


async def test_the_button_at_the_top_right_opens_a_drawer_with_a_table(open_page: OpenPanel) -> None:
    panel = await open_page()
    button, main = await panel.button.bounding_box(), await panel.page.locator("main").bounding_box()
    assert button
    assert main
    assert main["x"] + main["width"] - (button["x"] + button["width"]) < 40
    assert button["y"] - main["y"] < 60
    await panel.open()
    box = await panel.dialog.bounding_box()
    assert box
    assert (round(box["width"]), box["x"] + box["width"], box["height"]) == (round(0.92 * 1280), 1280, 860)
    await expect(panel.named("User management log", "heading")).to_be_visible()
    await expect(panel.named("Export")).to_be_visible()
    await expect(panel.named("Close")).to_be_visible()
    await expect(panel.dialog.locator("header")).to_contain_text("Europe/Paris")
    headers = await panel.dialog.get_by_role("columnheader").all_inner_texts()
    assert headers == ["Details", "Date and time", "Activity", "Affected user", "Admin", "Change", "Channel"]
    await expect(panel.lines).to_have_count(50)


async def test_rows_become_cards_where_there_is_no_room_for_a_table(open_page: OpenPanel) -> None:
    panel = await open_page(width=600)
    await panel.open()
    first = panel.lines.first
    assert await first.evaluate("row => getComputedStyle(row).display") == "block"
    await expect(first).to_have_role("row")
    assert await first.locator("td").nth(1).evaluate("cell => getComputedStyle(cell, '::before').content") == (
        '"Date and time"'
    )


async def test_every_active_filter_is_a_chip_that_can_be_removed(panel: Panel) -> None:
    await expect(panel.chips).to_have_text(["Period: Last 30 days"])
    await expect(panel.named("Clear all")).to_have_count(0)
    await panel.choice("License changed").check()
    await panel.choice("API").check()
    await expect(panel.chips).to_have_text(
        ["Period: Last 30 days", "Activity: License changed", "Channel: API"], use_inner_text=True
    )
    await panel.named("Remove filter Channel: \u2068API\u2069").click()
    await expect(panel.chips).to_have_count(2)
    await expect(panel.choice("API")).not_to_be_checked()
    await panel.select("Period").select_option("90d")
    await panel.named("Clear all").click()
    await expect(panel.chips).to_have_text(["Period: Last 90 days"])
    await expect(panel.choice("License changed")).not_to_be_checked()


async def test_clear_all_leaves_no_text_where_a_person_was_looked_for(panel: Panel) -> None:
    box = panel.select("Admin")
    await box.fill("grace")
    await panel.suggestions.filter(has_text="Grace Hopper").click()
    await box.press("Escape")
    await panel.named("Clear all").click()
    await expect(box).to_have_value("")
    await expect(panel.chips).to_have_text(["Period: Last 30 days"])


async def test_filters_narrow_the_log_by_activity_channel_user_and_admin(panel: Panel) -> None:
    await panel.choice("Admin rights changed").check()
    await expect(panel.status).to_have_text("17 activities")
    assert set(await panel.lines.locator(".badge").all_inner_texts()) == {"Admin rights changed"}
    await panel.choice("API").check()
    await expect(panel.status).to_have_text("4 activities")
    await panel.named("Clear all").click()
    await choose(panel, "Admin", "grace", "Grace Hopper")
    await expect(panel.chips.nth(1)).to_have_text("Admin: Grace Hopper", use_inner_text=True)
    await panel.settled()
    assert {name.split("\n")[0] for name in await panel.lines.locator("td:nth-child(5)").all_inner_texts()} == {
        "Grace Hopper"
    }


async def choose(panel: Panel, label: str, text: str, name: str) -> None:
    box = panel.select(label)
    await box.fill(text)
    await panel.suggestions.filter(has_text=name).click()
    await box.press("Escape")


async def test_people_are_picked_from_suggestions_several_at_a_time(panel: Panel) -> None:
    box = panel.select("Affected user")
    await box.fill("example")
    await expect(panel.suggestions).to_have_count(5)
    ada = panel.suggestions.filter(has_text="Ada Lovelace")
    await expect(ada).to_contain_text("ada@example.com")
    await expect(ada).to_contain_text(re.compile(r"\d+ activities"))
    await box.fill("")
    deleted = panel.suggestions.filter(has_text="Deleted User")
    await expect(deleted).to_have_count(1)
    query = await asked_after(panel, deleted.click)
    assert query["affected_user"] == ["ref:deleted"]
    await expect(deleted).to_have_attribute("aria-selected", "true")
    query = await asked_after(panel, ada.click)
    assert len(query["affected_user"]) == 2
    await expect(panel.chips).to_have_count(3)


async def test_suggestions_are_asked_for_once_typing_has_paused(panel: Panel) -> None:
    asked_for: list[str] = []
    panel.page.on("request", lambda request: asked_for.append(request.url) if "/v1/users" in request.url else None)
    box = panel.select("Affected user")
    await box.focus()
    # By the page's own timers, which keep their order however busy the machine: keys that come late would be pauses.
    await box.evaluate(
        """async (box) => {
          for (const letter of 'lovelace') {
            box.value += letter;
            box.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
            await new Promise((done) => setTimeout(done, 10));
          }
        }"""
    )
    await expect(panel.suggestions).to_have_count(1)
    assert [asked_one.rpartition("q=")[2] for asked_one in asked_for if "q=" in asked_one] == ["lovelace"]


async def test_an_answer_to_what_is_no_longer_asked_is_given_up(panel: Panel) -> None:
    async def never(_: Route) -> None:
        return

    await panel.page.route("**/v1/users?*q=ada*", never)
    box = panel.select("Affected user")
    async with panel.page.expect_request("**/v1/users?*q=ada*"):
        await box.fill("ada")
    async with panel.page.expect_event("requestfailed", lambda request: "q=ada" in request.url):
        await box.fill("bob")
    await expect(panel.suggestions).to_have_count(1)
    await expect(panel.suggestions).to_contain_text("Bob Stone")


async def test_a_period_is_a_preset_or_two_dates_in_a_zone_that_is_named(panel: Panel) -> None:
    period = panel.select("Period")
    assert await period.locator("option").all_inner_texts() == [
        "Today",
        "Last 7 days",
        "Last 30 days",
        "Last 90 days",
        "Last 12 months",
        "Custom range",
    ]
    await expect(period).to_have_value("30d")
    await period.select_option("custom")
    await panel.settled()
    start = panel.dialog.get_by_label("From", exact=True)
    retention = datetime.now(UTC) - timedelta(days=367)
    edge = await start.get_attribute("min")
    assert edge
    assert edge > retention.date().isoformat()
    await expect(panel.dialog.get_by_text("Activities are kept for 12 months")).to_be_visible()
    # The last day in Paris that has 23 hours, or 25.
    days = [datetime.now(ZoneInfo(ZONE)).date() - timedelta(days=ago) for ago in range(366)]
    day = next(day for day in days if _midnight(day + timedelta(days=1)) - _midnight(day) != timedelta(days=1))
    eve, morrow = day - timedelta(days=1), day + timedelta(days=1)
    await asked_after(panel, lambda: start.fill(f"{eve}"))
    query = await asked_after(panel, lambda: panel.dialog.get_by_label("To", exact=True).fill(f"{day}"))
    assert [query[name] for name in ("from", "to")] == [[f"{_midnight(at):%FT%T.000Z}"] for at in (eve, morrow)]
    zone = panel.select("Time zone")
    assert "Europe/Paris, UTC+" in await zone.inner_text()
    for no_zone in ("", "Mars/Olympus"):
        # The reader's own.
        await panel.attribute("time-zone", no_zone)
        assert "Europe/Paris, UTC+" in await zone.inner_text()
    await panel.attribute("time-zone", "Asia/Tokyo")
    await expect(zone).to_contain_text("Asia/Tokyo, UTC+9")
    await panel.attribute("time-zone", "Europe/Paris")
    await expect(zone).to_contain_text("Europe/Paris, UTC+")
    query = await asked_after(panel, lambda: zone.select_option("utc"))
    assert (query["from"], query["to"]) == ([f"{eve}T00:00:00.000Z"], [f"{morrow}T00:00:00.000Z"])
    await start.fill(f"{morrow + timedelta(days=1)}")
    await expect(panel.dialog.get_by_role("alert")).to_have_text("The start must be before the end.")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(ZONE)).astimezone(UTC)


async def test_dragging_over_the_histogram_chooses_days(panel: Panel) -> None:
    chart = panel.dialog.get_by_role("img")
    await expect(chart).to_have_attribute("aria-label", re.compile(r"^120 activities from .+ Busiest: "))
    box = await chart.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    await panel.page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    await panel.page.mouse.down()
    await panel.page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
    await panel.page.mouse.up()
    await expect(panel.select("Period")).to_have_value("custom")
    days = [await panel.dialog.get_by_label(name, exact=True).input_value() for name in ("From", "To")]
    assert (datetime.fromisoformat(days[1]) - datetime.fromisoformat(days[0])).days == 9


async def test_nothing_jumps_when_the_counts_come(open_page: OpenPanel) -> None:
    released = asyncio.Event()

    async def hold(page: Page) -> None:
        async def wait(route: Route) -> None:
            await released.wait()
            await route.continue_()

        await page.route("**/v1/activities/stats?*", wait)

    panel = await open_page(prepare=hold)
    await panel.open()
    await expect(panel.choice("User created")).to_be_visible()
    before = await panel.lines.first.bounding_box()
    released.set()
    await expect(panel.dialog.get_by_role("img")).to_be_visible()
    after = await panel.lines.first.bounding_box()
    assert before
    assert after
    assert abs(before["y"] - after["y"]) <= 2


async def test_a_time_is_absolute_first_then_relative_and_exact_in_the_details(panel: Panel) -> None:
    cell = panel.lines.first.locator("td").nth(1)
    time = cell.locator("time")
    exact = await time.get_attribute("datetime")
    assert exact
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", exact)
    absolute, relative = (await cell.inner_text()).split("\n")[0], await cell.locator(".second").inner_text()
    assert re.fullmatch(r"\d\d:\d\d:\d\d", absolute)
    assert await time.get_attribute("title")
    assert re.fullmatch(r"(\d+ (seconds?|minutes?) ago|now)", relative)
    await panel.lines.first.get_by_role("button").click()
    await expect(panel.dialog.locator("tr.detail dd code").first).to_have_text(exact)


async def test_a_change_is_told_in_words(panel: Panel) -> None:
    await panel.choice("License changed").check()
    await panel.settled()
    texts = {" ".join(text.split()) for text in await panel.lines.locator(".change").all_text_contents()}
    assert texts == {
        "before: Data Reader after: Data Steward",
        "License added: Data Reader",
        "License removed (was Data Steward)",
    }
    await panel.named("Clear all").click()
    await panel.choice("Admin rights changed").check()
    await panel.settled()
    texts = {text.strip() for text in await panel.lines.locator(".change").all_text_contents()}
    assert texts == {"Admin rights granted", "Admin rights removed"}


async def test_a_line_opens_to_facts_raw_json_and_actions(open_page: OpenPanel) -> None:
    panel = await open_page(permissions=["clipboard-read", "clipboard-write"])
    await panel.open()
    toggle = panel.lines.nth(1).get_by_role("button")
    await expect(toggle).to_have_attribute("aria-expanded", "false")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    detail = panel.dialog.locator("tr.detail")
    assert await detail.get_attribute("id") == await toggle.get_attribute("aria-controls")
    raw = json.loads(await detail.locator("pre").inner_text())
    assert list(raw)[:4] == ["event_id", "occurred_at", "recorded_at", "activity_type"]
    clipboard = "() => navigator.clipboard.readText()"
    await detail.get_by_role("button", name="Copy JSON").click()
    await expect(panel.dialog.locator("#announcement")).to_have_text("JSON copied.")
    assert json.loads(await panel.page.evaluate(clipboard)) == raw
    await detail.get_by_role("button", name="Copy link").click()
    await expect(panel.dialog.locator("#announcement")).to_have_text("Link copied.")
    link = await panel.page.evaluate(clipboard)
    await detail.get_by_role("button", name="Show only this user").click()
    await expect(panel.chips).to_have_count(2)
    await expect(panel.named("User management log", "heading")).to_be_focused()
    await panel.page.goto(link)
    linked = panel.dialog.get_by_role("region", name="Linked activity")
    await expect(linked.locator("pre")).to_contain_text(raw["event_id"])


@pytest.mark.parametrize(
    ("status", "title", "text"),
    [
        (401, "You are signed out", "Sign in again"),
        (403, "No permission", "not allowed to read this log"),
        (422, "These filters cannot be used", "rejected the filters"),
        (429, "Too many requests", "Try again in 17 s"),
        (500, "Something went wrong", "send the request ID"),
        (503, "The log is temporarily unavailable", "cannot answer right now"),
        (504, "The request timed out", "choose a shorter period"),
    ],
)
async def test_each_error_has_its_own_text(open_page: OpenPanel, status: int, title: str, text: str) -> None:
    async def refuse(page: Page) -> None:
        await page.route(LOG, problem(status, retry_after=17 if status == 429 else None))

    panel = await open_page(prepare=refuse)
    # No poll brings the lines back before the button is pressed.
    await panel.attribute("poll-seconds", "600")
    await panel.button.click()
    state = panel.dialog.get_by_role("alert")
    await expect(state).to_contain_text(title)
    await expect(state).to_contain_text(text)
    await expect(state).to_contain_text("Request ID: req-test-1234")
    await panel.page.unroute(LOG)
    await state.get_by_role("button", name=re.compile("Try again|Sign in")).click()
    await expect(panel.lines).to_have_count(50)


async def test_without_a_network_it_says_so_and_recovers_by_itself(open_page: OpenPanel) -> None:
    panel = await open_page()
    await panel.open()
    await panel.page.context.set_offline(True)
    await panel.choice("License changed").check()
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("You are offline")
    await expect(panel.lines).to_have_count(50)
    await panel.page.context.set_offline(False)
    await expect(panel.dialog.get_by_role("alert")).to_have_count(0)


async def test_an_error_keeps_the_lines_that_were_there(panel: Panel) -> None:
    await panel.page.route(LOG, problem(503))
    await panel.attribute("poll-seconds", "0.3")
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("may be out of date")
    await expect(panel.lines).to_have_count(50)


async def test_waiting_shows_a_skeleton_and_is_announced(open_page: OpenPanel) -> None:
    released = asyncio.Event()

    async def hold(page: Page) -> None:
        async def wait(route: Route) -> None:
            await released.wait()
            await route.continue_()

        await page.route(LOG, wait)

    panel = await open_page(prepare=hold)
    await panel.button.click()
    await expect(panel.page.locator(".skeleton")).to_be_visible()
    await expect(panel.page.locator(".frame")).to_have_attribute("aria-busy", "true")
    await expect(panel.status).to_have_text("Loading activities…")
    released.set()
    await expect(panel.lines).to_have_count(50)
    await expect(panel.page.locator(".skeleton")).to_have_count(0)


async def test_an_empty_log_and_filters_that_match_nothing_are_told_apart(open_page: OpenPanel) -> None:
    panel = await open_page(f"empty-{uuid4().hex[:8]}")
    await panel.button.click()
    await expect(panel.dialog.locator(".state")).to_contain_text("Nothing in this period")
    await panel.named("Search the last 12 months").click()
    await expect(panel.dialog.locator(".state")).to_contain_text("No activity recorded yet")
    await panel.choice("File import").check()
    await expect(panel.dialog.locator(".state")).to_contain_text("Channel: \u2068File import\u2069")
    await panel.named("Clear filters").click()
    # The period is no filter.
    await expect(panel.chips).to_have_text(["Period: Last 12 months"])


async def test_more_lines_come_by_a_button_and_the_focus_goes_to_the_first_of_them(panel: Panel) -> None:
    await expect(panel.status).to_have_text("120 activities, 50 shown")
    await panel.named("Load 50 more").click()
    await expect(panel.lines).to_have_count(100)
    await expect(panel.lines.nth(50).get_by_role("button")).to_be_focused()
    await panel.named("Load 50 more").click()
    await expect(panel.status).to_have_text("120 activities")
    await expect(panel.named("Load 50 more")).to_have_count(0)
    events = await panel.lines.get_by_role("button").evaluate_all("buttons => buttons.map(({ id }) => id)")
    assert len(set(events)) == 120


async def test_the_address_holds_the_filters_and_leads_back_to_them(panel: Panel, api_url: str) -> None:
    await panel.select("Period").select_option("90d")
    await panel.choice("Admin rights changed").check()
    await choose(panel, "Affected user", "ada", "Ada Lovelace")
    await expect(panel.page).to_have_url(re.compile(r"uml\.user="))
    query = parse_qs(urlsplit(panel.page.url).query)
    assert (query["uml"], query["uml.range"], query["uml.activity"]) == (["1"], ["90d"], ["admin_rights_update"])
    assert "space" in query
    assert ADA.id not in panel.page.url
    assert "Lovelace" not in panel.page.url
    await expect(panel.status).to_have_text("12 activities")
    await panel.page.reload()
    await expect(panel.dialog).to_be_visible()
    await expect(panel.chips.nth(2)).to_have_text("Affected user: Ada Lovelace", use_inner_text=True)
    await expect(panel.status).to_have_text("12 activities")
    await panel.named("Close").click()
    await expect(panel.page).not_to_have_url(re.compile("uml"))
    await panel.page.goto(f"{api_url}/demo?uml=1&uml.range=never&uml.activity=nothing&uml.user=%3Cscript%3E")
    await expect(panel.chips).to_have_text(["Period: Last 30 days"])


async def test_url_sync_can_be_turned_off(open_page: OpenPanel) -> None:
    panel = await open_page()
    await panel.attribute("url-sync", "off")
    before = panel.page.url
    await panel.open()
    await panel.choice("License changed").check()
    await panel.settled()
    assert panel.page.url == before


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
async def test_the_export_menu_opens_where_it_can_be_seen(open_page: OpenPanel, direction: str) -> None:
    panel = await open_page()
    await panel.page.evaluate("(direction) => { document.documentElement.dir = direction; }", direction)
    await panel.open()
    for width, height in ((1280, 800), (375, 812), (320, 640)):
        await panel.page.set_viewport_size({"width": width, "height": height})
        # By a script, since a click of the browser's scrolls into view what is outside.
        await panel.page.locator("#export").evaluate("(button) => button.click()")
        await expect(panel.dialog.locator(".menu button")).to_have_count(6)
        await expect(panel.dialog.locator(".menu")).to_be_in_viewport(ratio=1)
        await panel.page.locator("#export").evaluate("(button) => button.click()")


@pytest.mark.parametrize(("label", "ending"), [("CSV with codes", "csv"), ("JSON Lines", "jsonl")])
async def test_what_is_filtered_can_be_exported(panel: Panel, label: str, ending: str) -> None:
    await panel.choice("Admin rights changed").check()
    await expect(panel.status).to_have_text("17 activities")
    await panel.named("Export").click()
    await expect(panel.dialog.locator(".menu")).to_contain_text("17 activities")
    await expect(panel.dialog.locator(".menu")).to_contain_text("ActivityAdmin rights changed")
    async with panel.page.expect_download() as downloading:
        await panel.named(label).click()
    # It is told for a few seconds.
    await expect(panel.dialog.locator("#announcement")).to_contain_text("Export finished")
    download = await downloading.value
    assert download.suggested_filename.endswith(f".{ending}")
    content = Path(await download.path()).read_text(encoding="utf-8")
    assert content.count("admin_rights_update") == 17


async def test_an_export_that_is_not_allowed_or_breaks_says_so_and_saves_nothing(panel: Panel) -> None:
    await panel.page.route("**/v1/activities/export?*", lambda route: route.abort("connectionreset"))
    await panel.named("Export").click()
    await panel.named("Excel").click()
    await expect(panel.dialog.locator(".menu")).to_contain_text("no file was saved")
    await panel.page.unroute("**/v1/activities/export?*")
    await panel.page.route("**/v1/activities/export?*", problem(403))
    await panel.named("Excel").click()
    await expect(panel.dialog.locator(".menu")).to_contain_text("not export it")


async def test_new_activities_are_offered_and_move_nothing_by_themselves(
    open_page: OpenPanel, publisher: KafkaPublisher, stack: LocalStack
) -> None:
    space = f"live-{uuid4().hex[:8]}"
    admin = UiSession(publisher, client_space_id=space, admin=GRACE, service="user-service")
    await admin.user_created(ADA)
    await wait_for_lines(stack, space, 1)
    panel = await open_page(space)
    await panel.attribute("poll-seconds", "0.5")
    await panel.open()
    async with panel.page.expect_response(lambda answer: "/v1/activities?" in answer.url and answer.status == 304):
        pass  # each poll says what is known, and costs next to nothing while nothing changes
    await admin.user_created(BOB)
    await admin.license_updated(BOB, previous_license=None, new_license="Data Reader")
    offer = panel.named("2 new activities")
    await expect(offer).to_be_visible()
    await expect(panel.lines).to_have_count(1)
    await offer.click()
    await expect(panel.lines).to_have_count(3)
    await expect(offer).to_have_count(0)
    await expect(panel.lines.first.get_by_role("button")).to_be_focused()


async def test_another_poll_interval_holds_at_once_and_setting_it_again_puts_nothing_off(panel: Panel) -> None:
    def is_poll(answer: Response) -> bool:
        return "/v1/activities?" in answer.url and answer.status == 304

    async with panel.page.expect_response(is_poll):
        await panel.attribute("poll-seconds", "0.5")
    await panel.element.evaluate(
        "(element) => { setInterval(() => element.setAttribute('poll-seconds', '0.5'), 100); }"
    )
    for _ in range(2):
        async with panel.page.expect_response(is_poll):
            pass


@pytest.mark.parametrize(
    ("language", "title", "deleted"),
    [
        ("en", "User management log", "Deleted User"),
        ("fr", "Journal de gestion des utilisateurs", "Utilisateur supprimé"),
    ],
)
async def test_it_speaks_the_language_of_the_page(
    open_page: OpenPanel, language: str, title: str, deleted: str
) -> None:
    panel = await open_page(language=language)
    await panel.open()
    await expect(panel.named(title, "heading")).to_be_visible()
    person = panel.lines.first.locator(".person.deleted .name")
    await expect(person).to_have_text(deleted)
    await panel.lines.first.get_by_role("button").click()
    await expect(panel.dialog.locator("pre")).to_contain_text('"display_name": "Deleted User"')


async def test_the_lines_can_be_read_where_the_rest_cannot_be_loaded(open_page: OpenPanel) -> None:
    async def refuse(page: Page) -> None:
        await page.route("**/rest.js", lambda route: route.abort())

    panel = await open_page(prepare=refuse)
    await panel.open(whole=False)
    await expect(panel.dialog.get_by_text("This part could not be loaded.")).to_have_count(1)
    await expect(panel.lines).to_have_count(50)
    await panel.lines.first.get_by_role("button").click()
    await expect(panel.dialog.locator("tr.detail")).to_contain_text("This part could not be loaded.")


async def test_everything_of_an_import_is_one_click_away(
    open_page: OpenPanel, publisher: KafkaPublisher, stack: LocalStack
) -> None:
    space, import_id = f"import-{uuid4().hex[:8]}", uuid4()
    await publisher.publish_all([*import_events(space, import_id, (1, 1, 40)), *import_events(space, uuid4(), (1,))])
    await wait_for_lines(stack, space, 4)
    panel = await open_page(space)
    await panel.open()
    await expect(panel.lines).to_have_count(3)
    await panel.lines.filter(has_text="Bob Stone").get_by_role("button").click()
    query = await asked_after(panel, panel.named("Show all activities of this import").click)
    assert query["import_id"] == [str(import_id)]
    await expect(panel.lines).to_have_count(3)
    await expect(panel.chips).to_have_text(
        ["Period: Last 12 months", f"Import: {str(import_id)[:8]}"], use_inner_text=True
    )
    await expect(panel.named("User management log", "heading")).to_be_focused()
    await expect(panel.page).to_have_url(re.compile(r"uml\.import="))
    await panel.page.reload()
    await expect(panel.status).to_have_text("3 activities")
    await panel.named("Remove filter Import").click()
    await expect(panel.status).to_have_text("4 activities")
    await expect(panel.page).not_to_have_url(re.compile(r"uml\.import"))


async def test_fifty_thousand_lines_are_paged_up_to_a_thousand_and_counted(
    open_page: OpenPanel, publisher: KafkaPublisher, stack: LocalStack
) -> None:
    space = f"large-{uuid4().hex[:8]}"
    await publisher.publish_all(many_events(space, 500))
    await wait_for_lines(stack, space, 500)
    # Each line a hundred times: only the panel is tried here, and the way of 50,000 events costs half a minute.
    copies = """
        INSERT INTO audit.activity_log
        SELECT line.* REPLACE (
            generateUUIDv4(number) AS event_id, occurred_at - toIntervalSecond(number + 1) AS occurred_at
        )
        FROM audit.activity_log AS line CROSS JOIN numbers(99) AS copies WHERE client_space_id = {space:String}
    """
    address = stack.layout.endpoints()["clickhouse"]
    httpx.post(address, params={"query": copies, "param_space": space}, timeout=60).raise_for_status()
    panel = await open_page(space)
    await panel.open()
    while await panel.lines.count() < 1000:
        shown = await panel.lines.count()
        await panel.page.locator("#more").click()
        await expect(panel.lines).not_to_have_count(shown)
        await panel.settled()
    await expect(panel.dialog.get_by_text("The panel shows at most 1,000 activities.")).to_be_visible()
    await expect(panel.status).to_have_text("50,000 activities, 1,000 shown")


def test_the_seeded_log_is_as_large_as_the_expectations_say() -> None:
    assert SEEDED_LINES == 6 + 114 + 5 + 1 == 126
