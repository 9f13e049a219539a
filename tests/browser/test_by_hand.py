"""The panel as a person uses it: real keys, a real mouse, a year of lines, several sizes of the window.

One server, over a log in memory, and one browser context serve all of them. A mouse clicks where something is seen; it
never scrolls first, as a click of a script does.
"""

import asyncio
import re
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Route, expect

from producers.activities import license_updated, user_created, user_deleted
from schemas.events import Event, Person
from tests.browser import year
from tests.browser.conftest import Hand, Panel, lists_asked, page_of, press, problem
from tests.builders import NOW
from tests.fakes.reader import InMemoryLogReader

LOG = "**/v1/activities?*"
SIZES = [(1280, 860), (1920, 1080), (768, 1024), (375, 812)]


async def unfold(panel: Panel) -> None:
    """Show the filters where the window is too small to show them at once."""
    if await panel.page.locator(".filters-toggle").is_visible():
        await press(panel.page.locator(".filters-toggle"))


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_what_opens_can_be_seen(hand: Hand, width: int, height: int) -> None:
    panel = await hand.open()
    await hand.resize(width, height)
    await press(hand.page.locator("#export"))
    await expect(panel.dialog.locator(".menu button").first).to_be_visible()
    await expect(panel.dialog.locator(".menu")).to_be_in_viewport(ratio=1)
    await hand.page.keyboard.press("Escape")
    assert await panel.dialog.evaluate("({ scrollHeight, clientHeight }) => scrollHeight - clientHeight") == 0
    await unfold(panel)
    for name in ("affectedUsers", "admins"):
        await press(hand.page.locator(f"#{name}"))
        options = hand.page.locator(f".field:has(#{name}) .options")
        await expect(options.locator("[role=option]").first).to_be_visible()
        await expect(options).to_be_in_viewport(ratio=1)
        await hand.page.keyboard.press("Escape")


@pytest.mark.parametrize("locale", ["en-GB", "en-US", "fr-FR"])
async def test_a_date_that_is_typed_is_that_date(
    chromium: Browser, year_served: tuple[str, InMemoryLogReader], locale: str
) -> None:
    """A bare field of the same browser says which date the keys mean."""
    page, failures = await page_of(chromium, locale=locale)
    panel = await Hand(page, *year_served).open()
    await panel.page.locator("#period").select_option("custom")
    await panel.page.evaluate(
        """() => {
          const bare = Object.assign(document.createElement('input'), { type: 'date', id: 'bare' });
          document.querySelector('user-management-log').shadowRoot.querySelector('dialog').prepend(bare);
        }"""
    )
    start, bare = page.locator("#from"), page.locator("#bare")
    await panel.settled()
    for keys in (["0", "3", "0", "4", "2", "0", "2", "6"], ["Backspace"], ["0", "5"]):
        asked, wanted = lists_asked(panel), ""
        for field in (bare, start):
            await field.focus()
            for key in keys:
                await page.keyboard.press(key)
            wanted = wanted or await bare.input_value()
        before = len(asked)
        await page.keyboard.press("Enter")
        if keys == ["Backspace"]:
            await expect(panel.dialog.get_by_role("alert")).to_have_text("This is not a date.")
            await expect(panel.chips.first).not_to_have_text(re.compile("Last"))
        else:
            await expect(start).to_have_value(wanted)
            await panel.settled()
            assert (before, len(asked)) == (0, 1)
            assert re.match(r"2026-0\d", wanted)
    await page.context.close()
    assert failures == []


async def test_a_day_that_is_none_changes_nothing(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-10-01", "uml.to": "2026-10-20"})
    chip = await panel.chips.first.inner_text()
    asked = lists_asked(panel)
    await hand.page.locator("#from").focus()
    # In whichever order the browser reads them: no month has that day.
    await hand.page.keyboard.type("02312026")
    await hand.page.keyboard.press("Enter")
    problem_text = panel.dialog.locator("#dates-hint")
    await expect(problem_text).to_have_text(re.compile("not a date|must be before"))
    assert await panel.chips.first.inner_text() == chip
    assert asked == []


async def test_a_date_that_is_being_typed_outlives_an_answer_that_bounds_it(hand: Hand) -> None:
    panel, released = await hand.visit(), asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await hand.page.route("**/v1/meta", hold)
    await panel.open()
    await panel.select("Period").select_option("custom")
    start = hand.page.locator("#from")
    await start.focus()
    await hand.page.keyboard.type("02312026")
    released.set()
    hint = panel.dialog.locator("#dates-hint")
    await expect(hint).to_contain_text("24 Nov 2025")
    await hand.page.keyboard.press("Enter")
    await expect(hint).to_have_text(re.compile("not a date|must be before"))
    await expect(start).to_have_attribute("min", "2025-11-24")


async def test_a_range_that_cannot_be_is_told_and_the_last_one_holds(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-10-01", "uml.to": "2026-10-20"})
    chip, address = await panel.chips.first.inner_text(), hand.page.url
    await hand.page.locator("#to").fill("2026-09-01")
    alert = panel.dialog.get_by_role("alert")
    await expect(alert).to_have_text("The start must be before the end.")
    # Told as loudly as every other problem, not as quietly as a hint.
    await expect(alert).to_have_css("color", "rgb(179, 34, 27)")
    assert (await panel.chips.first.inner_text(), hand.page.url) == (chip, address)
    await expect(panel.dialog.locator("header")).to_contain_text("1 Oct 2026 to 20 Oct 2026")
    await hand.page.locator("#from").fill("2026-08-30")
    await expect(panel.dialog.get_by_role("alert")).to_have_count(0)
    await expect(panel.dialog.locator("header")).to_contain_text("30 Aug 2026 to 1 Sept 2026")


async def test_a_time_of_day_narrows_a_date(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-11-17", "uml.to": "2026-11-17"})
    asked = lists_asked(panel)
    await hand.page.locator("#from-time").focus()
    # Where the browser shows 24 hours, the letters say nothing.
    await hand.page.keyboard.type("0830AM")
    assert asked == []
    await hand.page.keyboard.press("Enter")
    await expect(panel.chips.first).to_have_text("Period: 17 Nov 2026, 08:30 to 17 Nov 2026", use_inner_text=True)
    await hand.page.locator("#to-time").fill("10:00")
    words = "17 Nov 2026, 08:30 to 17 Nov 2026, 10:00"
    await expect(panel.chips.first).to_contain_text(words)
    await expect(panel.dialog.locator("header")).to_contain_text(words)
    assert await panel.chips.first.locator("bdi").evaluate("(value) => value.scrollWidth <= value.clientWidth")
    await panel.settled()
    assert [asked[-1][name] for name in ("from", "to")] == [[f"2026-11-17T{at}:00.000Z"] for at in ("07:30", "09:00")]
    await hand.page.locator("#to-time").fill("08:30")
    await expect(panel.dialog.get_by_role("alert")).to_have_text("The start must be before the end.")
    await hand.page.reload()
    await expect(panel.chips.first).to_contain_text(words)
    await press(hand.page.locator("#export"))
    await expect(panel.dialog.locator(".menu dd").first).to_have_text(words)
    await hand.page.keyboard.press("Escape")
    await hand.page.go_back()
    await expect(panel.chips.first).to_contain_text("08:30 to 17 Nov 2026")
    await hand.page.locator("#from").fill("")
    await expect(hand.page.locator("#from-time")).to_be_disabled()
    await expect(panel.chips.first).to_contain_text("Until 17 Nov 2026")


async def test_an_hour_that_the_clocks_skip_is_told_beside_it(hand: Hand) -> None:
    dates = {"uml.range": "custom", "uml.from": "2026-03-29T02:30", "uml.to": "2026-03-29T04:00"}
    panel = await hand.visit(**{"uml": "1", **dates})
    await expect(hand.page.locator("#filters")).to_be_attached()
    await panel.settled()
    asked = lists_asked(panel)
    await hand.page.locator("#to-time").focus()
    await hand.page.keyboard.type("0330AM")
    await hand.page.keyboard.press("Enter")
    await expect(panel.dialog.get_by_role("alert")).to_have_text("The clocks skip this hour.")
    await hand.page.locator("#zone").select_option("utc")
    await panel.settled()
    assert len(asked) == 1
    linked = await hand.visit(**{"uml": "1", **dates, "uml.to": "2026-03-29T03:30"})
    await expect(linked.dialog.get_by_role("alert")).to_have_text("The clocks skip this hour.")


async def test_a_start_before_retention_becomes_its_edge(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-10-01", "uml.to": "2026-10-20"})
    for _ in range(2):
        await hand.page.locator("#from").fill("2020-01-01")
        await expect(panel.dialog.get_by_role("status").filter(has_text="now starts on")).to_be_visible()
        await expect(panel.chips.first).to_contain_text("24 Nov 2025 to 20 Oct 2026")
        await expect(hand.page.locator("#from")).to_have_value("2025-11-24")
        await expect(panel.dialog.get_by_role("img")).to_be_visible()
    linked = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2020-01-01", "uml.to": ""})
    await expect(linked.chips.first).to_contain_text("24 Nov 2025")
    await expect(linked.dialog.get_by_role("img")).to_be_visible()


async def test_a_late_line_is_offered(hand: Hand) -> None:
    space = f"late-{uuid4().hex[:8]}"
    await hand.record(*(change(space, year.PEOPLE[n], minutes=n + 1) for n in range(20)))
    panel = await hand.visit(space)
    await panel.attribute("poll-seconds", "0.3")
    await panel.open()
    await expect(panel.status).to_have_text("20 activities")
    await hand.record(change(space, year.PEOPLE[30], minutes=5.5))
    await expect(panel.named("1 new activity")).to_be_visible()
    await hand.record(change(space, year.PEOPLE[31], minutes=0.5), change(space, year.PEOPLE[32], minutes=40))
    await expect(panel.named("3 new activities")).to_be_visible()
    await expect(panel.lines).to_have_count(20)
    await press(panel.named("3 new activities"))
    await expect(panel.status).to_have_text("23 activities")
    await expect(panel.lines).to_have_count(23)


def change(space: str, person: Person, *, minutes: float) -> Event:
    """A license change, that many minutes ago."""
    context = year.by_hand(1)
    at = year.stamp(f"{space} {minutes}", NOW - timedelta(minutes=minutes))
    event = license_updated(context, person, at, previous_license=None, new_license="Data Reader")
    return with_space(event, space)


def with_space(event: Event, space: str) -> Event:
    """*event* in another client space."""
    return event.__class__(**{**{name: getattr(event, name) for name in event.__slots__}, "client_space_id": space})


async def test_one_deleted_person_can_be_followed(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m", "uml.activity": "user_deletion"})
    await expect(panel.lines).to_have_count(10)
    handles = await panel.lines.locator("td:nth-child(4) .second").all_inner_texts()
    assert len(set(handles)) == 10
    await press(panel.lines.nth(2).get_by_role("button").first)
    await panel.named("Show only this user").click()
    await press(panel.named("Remove filter Activity"))
    await expect(panel.lines).to_have_count(3)
    assert set(await panel.lines.locator("td:nth-child(4) .second").all_inner_texts()) == {handles[2]}
    await expect(panel.chips.filter(has_text="Affected user")).to_have_text(f"Affected user: Deleted User {handles[2]}")
    await hand.page.locator("#affectedUsers").click()
    await hand.page.keyboard.type("Leaver Number")
    await expect(panel.dialog.locator(".options-note")).to_contain_text("Deleted people cannot be found by name")


async def test_the_details_tell_the_life_of_the_affected_user(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m", "uml.activity": "user_deletion"})
    await press(panel.lines.nth(2).get_by_role("button").first)
    life = panel.dialog.locator(".life")
    await expect(life.locator("li")).to_have_text(
        [
            re.compile(r"User created\s+10 May 2026, .* · by Jürgen Schmidt"),
            re.compile(r"License added: Data Reader\s+10 May 2026, "),
            re.compile(r"User deleted\s+17 Nov 2026, "),
        ],
        use_inner_text=True,
    )
    await expect(life.locator("[aria-current=true]")).to_contain_text("User deleted")
    assert "Leaver" not in await life.inner_text()
    await expect(panel.named("Show all activities of this user")).to_have_count(0)

    panel = await hand.open()
    await press(panel.lines.first.get_by_role("button").first)
    await expect(life.locator("li")).to_have_count(8)
    await expect(life.locator("[aria-current=true]")).to_have_count(1)
    await panel.named("Show all activities of this user").click()
    await expect(panel.chips).to_have_text(
        ["Period: Last 12 months", "Affected user: Farid Bauer"], use_inner_text=True
    )
    await panel.settled()
    assert await panel.lines.count() > 8


async def test_a_life_names_nobody_who_is_deleted_meanwhile(hand: Hand) -> None:
    """The admin is on no line of the list, only in the life that is open."""
    space, leaver, at = f"life-{uuid4().hex[:8]}", year.LEAVERS[1], NOW - timedelta(days=50)
    context = replace(year.by_hand(1), admin=leaver)
    await hand.record(with_space(user_created(context, year.PEOPLE[0], year.stamp(f"{space} a", at)), space))
    await hand.record(change(space, year.PEOPLE[0], minutes=90))
    panel = await hand.visit(space)
    await panel.attribute("poll-seconds", "0.3")
    await panel.open()
    await press(panel.lines.get_by_role("button").first)
    first = panel.dialog.locator(".life li").first
    await expect(first).to_contain_text(f"by {leaver.display_name}")
    # Read again with every poll, and sent again where it changed.
    async with hand.page.expect_response(lambda answer: "affected_user=ref" in answer.url) as again:
        pass
    assert (await again.value).status == 304
    deletion = user_deleted(year.by_hand(1), leaver, year.stamp(f"{space} b", NOW - timedelta(days=40)))
    await hand.record(with_space(deletion, space))
    await expect(first).to_contain_text("by Deleted User")
    assert "Leaver" not in await panel.element.evaluate("(element) => element.shadowRoot.innerHTML")


async def test_lines_of_other_filters_say_so(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.route(LOG, problem(503))
    await panel.choice("API").check()
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("still the results of the previous filters")
    await expect(hand.page.locator(".frame")).to_have_attribute("data-stale", "")


async def test_an_error_of_load_more_stands_beside_the_button(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m"})
    await hand.page.route(LOG, problem(503))
    # Scrolls to it, however what comes behind the lines moves it meanwhile.
    await hand.page.locator("#more").click()
    await expect(panel.dialog.get_by_role("alert")).to_be_in_viewport(ratio=1)


async def test_a_past_period_names_the_offset_that_it_had(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-07-01", "uml.to": "2026-07-15"})
    await expect(panel.dialog.locator("header")).to_contain_text("Europe/Paris, UTC+2")
    await expect(panel.lines.first.locator("time")).to_have_attribute("title", re.compile(r"UTC\+2 · 2026-07-.*Z$"))
    await panel.lines.first.get_by_role("button").first.click()
    await expect(panel.dialog.locator("tr.detail dd").first).to_contain_text("UTC+2")
    await panel.select("Period").select_option("12m")
    await expect(panel.dialog.locator("header")).to_contain_text("Europe/Paris, UTC+1/+2")


async def test_a_drag_that_leaves_the_chart_counts_and_its_chip_leads_back(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m"})
    box = await panel.dialog.get_by_role("img").bounding_box()
    assert box
    mouse = hand.page.mouse
    await mouse.move(box["x"] + box["width"] * 0.9, box["y"] + 20)
    await mouse.down()
    await mouse.move(box["x"] + box["width"] * 0.95, box["y"] - 30)
    await mouse.move(box["x"] + box["width"] + 15, box["y"] - 30)
    await mouse.up()
    await expect(panel.chips.first).to_contain_text("to 24 Nov 2026")
    await press(panel.named("Remove filter Period"))
    await expect(panel.chips.first).to_contain_text("Last 12 months")


@pytest.mark.parametrize(
    ("first", "last", "bars", "middle", "asked"),
    [
        # The hour that comes twice is chosen whole.
        ("2026-10-25", "2026-10-25", 25, "Sun 25 Oct, 02:00 UTC+2", ("00", "02")),
        ("2026-03-29", "2026-03-29", 23, "Sun 29 Mar, 03:00 UTC+2", ("01", "02")),
        ("2026-11-18", "2026-11-19", 48, "Wed 18 Nov, 02:00 UTC+1", ("01", "02")),
        ("2026-10-24", "2026-10-25", 49, "Sat 24 Oct, 02:00 UTC+2", ("00", "01")),
    ],
)
async def test_a_day_or_two_are_shown_by_the_hour_of_their_clocks(
    hand: Hand, first: str, last: str, bars: int, middle: str, asked: tuple[str, str]
) -> None:
    space = f"clocks-{first}"
    at = [datetime.fromisoformat(f"{last}T{hour}:30:00+00:00") for hour in ("00", "01")]
    await hand.record(*(change(space, year.PEOPLE[0], minutes=(NOW - time).total_seconds() / 60) for time in at))
    panel = await hand.open(space, **{"uml": "1", "uml.range": "custom", "uml.from": first, "uml.to": last})
    chart = panel.dialog.get_by_role("img")
    await expect(chart.locator("g")).to_have_count(bars)
    await expect(chart.locator(".tick").first).to_have_text(re.compile("^(... )?00:00$"))
    await expect(chart.locator(".tick").last).to_have_text(re.compile("^(... )?23:00$"))
    assert 3 <= await chart.locator(".tick").count() <= 4
    await expect(panel.dialog.get_by_role("rowheader")).to_contain_text("· 2 activities")
    box = await chart.bounding_box()
    assert box
    await hand.page.mouse.move(box["x"] + box["width"] * 2.5 / bars, box["y"] + 30)
    await expect(panel.dialog.locator(".tip strong").first).to_have_text(
        re.compile(middle.replace("+", "[+]").replace(" ", ",? "))
    )
    found = lists_asked(panel)
    await hand.page.mouse.down()
    await hand.page.mouse.up()
    hour = int(middle.partition(",")[2].split(":")[0])
    await expect(hand.page.locator("#from-time")).to_have_value(f"{hour:02}:00")
    await expect(hand.page.locator("#to-time")).to_have_value(f"{hour + 1:02}:00")
    await panel.settled()
    assert [found[0][name] for name in ("from", "to")] == [[f"{first}T{hour}:00:00.000Z"] for hour in asked]
    # Once the hours are counted, a single one has no chart, and the button stands elsewhere.
    await expect(panel.dialog.locator(".histogram[data-stale]")).to_have_count(0)
    await press(hand.page.locator("#back"))
    await expect(panel.chips.first).to_contain_text("Last 30 days")


async def test_bars_are_chosen_by_keyboard(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m"})
    keyboard = hand.page.keyboard
    start, end = (panel.dialog.get_by_role("slider", name=name) for name in ("First bar to show", "Last bar to show"))
    await expect(start).to_have_attribute("aria-valuemax", "52")
    await start.focus()
    for key in ("ArrowRight", "PageUp", "ArrowLeft", "ArrowUp"):
        await keyboard.press(key)
    await expect(start).to_have_attribute("aria-valuenow", "8")
    words = "19 Jan 2026 to 25 Jan 2026, 11 activities, License changed: 10, Admin rights changed: 1"
    await expect(start).to_have_attribute("aria-valuetext", words)
    await expect(panel.dialog.locator(".tip")).to_be_in_viewport(ratio=0.99)
    await keyboard.press("Escape")
    await expect(start).to_have_attribute("aria-valuenow", "0")
    await expect(panel.dialog.locator(".tip")).to_have_count(0)
    await keyboard.press("PageUp")
    await keyboard.press("Tab")
    await expect(end).to_be_focused()
    await keyboard.press("Home")
    await expect(end).to_have_attribute("aria-valuenow", "7")
    await keyboard.press("ArrowRight")
    await expect(panel.dialog.locator("g[data-marked]")).to_have_count(2)
    await keyboard.press("Enter")
    await expect(panel.chips.first).to_contain_text("12 Jan 2026 to 25 Jan 2026")
    await expect(panel.dialog.locator(".area g")).to_have_count(14)
    await expect(panel.dialog.get_by_role("slider").first).to_be_focused()
    await keyboard.press("End")
    await keyboard.press("Enter")
    await expect(panel.chips.first).to_have_text("Period: 25 Jan 2026", use_inner_text=True)
    await expect(panel.dialog.locator(".area g")).to_have_count(24)
    await expect(start).to_be_focused()
    await keyboard.press("PageUp")
    await keyboard.press("Enter")
    await expect(panel.chips.first).to_contain_text("25 Jan 2026, 07:00 to 25 Jan 2026")
    await expect(panel.dialog.locator(".area g")).to_have_count(17)
    await press(panel.named("Back to “Last 12 months”"))
    await expect(panel.chips.first).to_contain_text("Last 12 months")
    await expect(panel.dialog.locator(".area g")).to_have_count(53)


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_a_bar_tells_what_it_counts(hand: Hand, width: int, height: int) -> None:
    panel = await hand.open()
    await hand.resize(width, height)
    box = await panel.dialog.get_by_role("img").bounding_box()
    assert box
    tip = panel.dialog.locator(".tip")
    for bar in (0, 26, 29):
        await hand.page.mouse.move(box["x"] + box["width"] * (bar + 0.5) / 30, box["y"] + 30)
        await expect(tip).to_be_in_viewport(ratio=0.99)
        await expect(panel.dialog.locator("g[data-pointed]")).to_have_count(1)
    await hand.page.mouse.move(box["x"] + box["width"] * 26.5 / 30, box["y"] + 30)
    await expect(tip).to_contain_text("Saturday, 21 November 2026 60 activities")
    await expect(tip.locator(".type")).to_have_text(["User created: 20", "License changed: 40"])
    # It can be read with the pointer on it, and goes with the pointer.
    place = await tip.bounding_box()
    assert place
    await hand.page.mouse.move(box["x"] + box["width"] * 26.5 / 30, place["y"] + place["height"] / 2, steps=3)
    await expect(tip).to_contain_text("21 November")
    await hand.page.mouse.move(box["x"], 5)
    await expect(tip).to_have_count(0)


async def test_back_undoes_filters_and_closes_and_closing_leaves_no_step(hand: Hand) -> None:
    panel = await hand.visit()
    start = hand.page.url
    await panel.open()
    await panel.choice("License changed").check()
    await panel.choice("API").check()
    await hand.page.go_back()
    await expect(panel.choice("API")).not_to_be_checked()
    await expect(panel.choice("License changed")).to_be_checked()
    await hand.page.go_back()
    await expect(panel.choice("License changed")).not_to_be_checked()
    await hand.page.go_back()
    await expect(panel.dialog).to_be_hidden()
    assert hand.page.url == start
    await hand.page.go_forward()
    await expect(panel.dialog).to_be_visible()
    await panel.choice("License changed").check()
    await press(panel.named("Close"))
    await expect(hand.page).to_have_url(start)
    await press(panel.button)
    await expect(panel.dialog).to_be_visible()
    await hand.page.go_back()
    await expect(panel.dialog).to_be_hidden()
    await expect(hand.page).to_have_url(start)


async def test_forward_opens_what_back_has_just_closed(hand: Hand) -> None:
    """A dialog tells later that it was closed: here, when it is open again."""
    panel = await hand.open()
    address = hand.page.url
    await hand.page.evaluate(
        """() => {
          const [open, state] = [location.href, history.state];
          for (const address of [open.replace(/&uml=.*/, ''), open]) {
            history.replaceState(state, '', address);
            dispatchEvent(new PopStateEvent('popstate', { state }));
          }
        }"""
    )
    await panel.settled()
    await expect(panel.dialog).to_be_visible()
    await panel.choice("API").check()
    await hand.page.go_back()
    await expect(panel.choice("API")).not_to_be_checked()
    await expect(hand.page).to_have_url(address)
    await press(panel.named("Close"))
    await expect(panel.dialog).to_be_hidden()


async def test_enter_takes_none_of_an_older_question(hand: Hand) -> None:
    """The list of everybody may come when a name has been typed."""
    panel = await hand.open()
    await hand.page.evaluate(
        """() => {
          const [plain, held] = [window.fetch, []];
          window.fetch = async (url, options) => {
            const isOfEverybody = String(url).includes('/v1/admins') && !String(url).includes('q=');
            if (isOfEverybody) await new Promise((resolve) => held.push(resolve));
            return plain(url, options);
          };
          window.release = async () => {
            for (const resolve of held) resolve();
            for (let frame = 0; frame < 6; frame += 1) await new Promise(requestAnimationFrame);
          };
        }"""
    )
    await hand.page.locator("#admins").click()
    await hand.page.keyboard.type("hana")
    await hand.page.evaluate("() => window.release()")
    await hand.page.keyboard.press("Enter")
    await expect(panel.chips.nth(1)).to_have_text("Admin: Hana Martinov\u00e1")


async def test_names_leave_the_screen_of_whoever_is_signed_out(hand: Hand) -> None:
    for status, title, button in ((401, "You are signed out", "Sign in"), (403, "No permission", "Try again")):
        panel = await hand.visit()
        await panel.attribute("poll-seconds", "0.3")
        await panel.open()
        await panel.lines.first.get_by_role("button").first.click()
        await panel.element.evaluate(
            "(element) => element.addEventListener('uml-auth-required', () => { element.dataset.told = 'yes'; })"
        )
        await hand.page.route("**/v1/**", problem(status))
        await expect(panel.dialog.get_by_role("alert")).to_contain_text(title)
        await expect(panel.lines).to_have_count(0)
        shown = await panel.element.evaluate("(element) => element.shadowRoot.innerHTML")
        assert "acme-industries" not in shown
        await expect(panel.named("Export")).to_have_count(0)
        # Before the answers are right again: the next poll then brings the lines back, and the button is gone.
        await press(panel.named(button))
        if status == 401:
            await expect(panel.element).to_have_attribute("data-told", "yes")
        await hand.page.unroute_all()
        await expect(panel.lines.first).to_be_visible()


async def test_whoever_is_signed_out_sees_no_menu_of_an_export(hand: Hand) -> None:
    panel = await hand.open()
    await press(panel.named("Export"))
    await expect(panel.named("Excel")).to_be_visible()
    await hand.page.route("**/v1/**", problem(403))
    await panel.attribute("poll-seconds", "0.3")
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("No permission")
    await expect(panel.named("Export")).to_have_count(0)
    await expect(panel.named("User management log", "heading")).to_be_focused()


async def test_what_was_pressed_and_goes_leaves_the_focus_in_the_drawer(hand: Hand) -> None:
    panel, keyboard = await hand.open(), hand.page.keyboard
    title = panel.named("User management log", "heading")
    await press(panel.choice("API"))
    await press(panel.choice("Web UI"))
    await expect(panel.chips).to_have_count(3)
    await panel.named("Remove filter Channel: \u2068API\u2069").focus()
    await keyboard.press("Enter")
    # The next chip takes its place.
    await expect(panel.named("Remove filter Channel: \u2068Web UI\u2069")).to_be_focused()
    await keyboard.press("Enter")
    await expect(panel.chips).to_have_count(1)
    await expect(title).to_be_focused()
    await hand.page.route(LOG, problem(503))
    await press(panel.choice("API"))
    await panel.named("Try again").focus()
    await hand.page.unroute(LOG)
    await keyboard.press("Enter")
    await expect(panel.dialog.get_by_role("alert")).to_have_count(0)
    await expect(title).to_be_focused()


async def test_tab_leads_from_a_picker_to_the_next_field(hand: Hand) -> None:
    panel = await hand.open()
    await press(hand.page.locator("#affectedUsers"))
    await expect(panel.suggestions.nth(8)).to_be_attached()
    await hand.page.keyboard.press("Tab")
    await expect(hand.page.locator("#admins")).to_be_focused()
    await expect(panel.suggestions).to_have_count(0)


async def test_what_is_typed_in_a_picker_never_looks_like_a_filter(hand: Hand) -> None:
    panel = await hand.open()
    box = hand.page.locator("#admins")
    await box.click()
    await hand.page.keyboard.type("zzz nobody")
    await press(panel.named("User management log", "heading"))
    await expect(box).to_have_value("")
    await box.click()
    await hand.page.keyboard.type("chlo")
    await hand.page.keyboard.press("Enter")
    await expect(panel.chips.nth(1)).to_have_text("Admin: Chloé Martin")
    await expect(box).to_have_value("")
    await hand.page.keyboard.press("Escape")
    await expect(panel.dialog).to_be_visible()
    await hand.page.keyboard.press("Escape")
    await expect(panel.dialog).to_be_hidden()
    # The way back through the history ends later.
    await expect(hand.page).not_to_have_url(re.compile(r"uml=1"))


async def test_suggestions_count_what_choosing_shows_and_show_what_was_found(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "7d"})
    await hand.page.locator("#admins").click()
    await hand.page.keyboard.type("martin chlo")
    option = panel.suggestions.filter(has_text="Chloé Martin")
    found = re.search(r"(\d+) activities", await option.inner_text())
    assert found
    await hand.page.keyboard.press("Enter")
    await expect(panel.status).to_contain_text(re.compile(rf"^{found[1]} activities"))
    await hand.page.keyboard.type("artin")
    await expect(panel.suggestions.locator("mark").first).to_have_text("artin")


async def test_french_finds_the_deleted_by_their_french_name_and_spaces_its_colons(hand: Hand) -> None:
    panel = await hand.open(language="fr", **{"uml": "1", "uml.range": "12m", "uml.channel": "ui"})
    await hand.page.locator("#affectedUsers").click()
    await hand.page.keyboard.type("Utilisateur supp")
    await expect(panel.suggestions.filter(has_text="Utilisateur supprimé")).to_have_count(1)
    await hand.page.keyboard.press("Enter")
    await expect(panel.chips.filter(has_text="Utilisateur concerné")).to_be_visible()
    await panel.settled()
    await expect(panel.lines.first).to_contain_text(re.compile("Suppression|Création|Licence|licence"))
    assert "Utilisateur supprimé" not in await panel.lines.locator(".badge").all_inner_texts()
    await panel.lines.first.get_by_role("button").first.click()
    await expect(panel.dialog.locator("pre")).to_be_attached()
    words = await panel.dialog.evaluate(
        "(dialog) => [...dialog.querySelectorAll(':not(pre, code, bdi)')].flatMap((part) => [...part.childNodes])"
        ".filter((node) => node.nodeType === 3 && node.parentNode.localName !== 'code').map((node) => node.data)"
    )
    assert [text for text in words if re.search(r"[a-zà-ü]:(\s|$)", text)] == []


async def test_a_link_to_somebody_without_lines_names_them(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.locator("#admins").click()
    await hand.page.keyboard.type("hana")
    await hand.page.keyboard.press("Enter")
    await expect(hand.page).to_have_url(re.compile("uml.admin="))
    ref = parse_qs(urlsplit(hand.page.url).query)["uml.admin"][0]
    panel = await hand.visit(**{"uml": "1", "uml.range": "today", "uml.admin": ref})
    await expect(panel.dialog.locator(".state")).to_contain_text("No matching activity")
    await expect(panel.chips.nth(1)).to_have_text("Admin: Hana Martinová")


async def test_somebody_who_is_filtered_by_and_deleted_is_told(hand: Hand) -> None:
    space, context = f"gone-{uuid4().hex[:8]}", year.by_hand(1)
    leaver, at = year.LEAVERS[0], NOW - timedelta(days=2)
    await hand.record(with_space(user_created(context, leaver, year.stamp(f"{space} a", at)), space))
    await hand.record(change(space, year.PEOPLE[0], minutes=90))
    panel = await hand.visit(space)
    await panel.attribute("poll-seconds", "0.3")
    await panel.open()
    await panel.lines.filter(has_text=leaver.username or "").get_by_role("button").first.click()
    await panel.named("Show only this user").click()
    await expect(panel.lines).to_have_count(1)
    await hand.record(
        with_space(user_deleted(context, leaver, year.stamp(f"{space} b", NOW - timedelta(hours=1))), space)
    )
    await expect(panel.dialog.locator(".state")).to_contain_text("This person was deleted")
    await press(panel.named("Show deleted users"))
    await expect(panel.lines).to_have_count(2)


async def test_the_page_behind_never_scrolls(hand: Hand) -> None:
    panel = await hand.open()
    await hand.resize(1280, 500)
    mouse = hand.page.mouse
    scroll = hand.page.locator(".scroll")
    for x, y in ((100, 300), (900, 30), (900, 400)):
        await mouse.move(x, y)
        await scroll.evaluate("(part) => { part.scrollTop = part.scrollHeight; }")
        for _ in range(3):
            await mouse.wheel(0, 400)
    await panel.named("User management log", "heading").focus()
    await hand.page.keyboard.press("PageDown")
    assert await hand.page.evaluate("() => scrollY") == 0
    await press(panel.named("Close"))
    # The page scrolls again once the dialog has told of its end.
    await expect(hand.page.locator("html")).not_to_have_css("overflow-y", "hidden")
    await mouse.move(600, 300)
    await mouse.wheel(0, 100)
    await hand.page.wait_for_function("() => scrollY > 0")


async def test_a_click_on_a_line_opens_it_and_a_selection_does_not(hand: Hand) -> None:
    panel = await hand.open()
    cell = panel.lines.first.locator("time")
    await press(cell)
    await expect(panel.dialog.locator("tr.detail")).to_have_count(1)
    await press(cell)
    await expect(panel.dialog.locator("tr.detail")).to_have_count(0)
    box = await cell.bounding_box()
    assert box
    await hand.page.mouse.move(box["x"] + 2, box["y"] + 8)
    await hand.page.mouse.down()
    await hand.page.mouse.move(box["x"] + 70, box["y"] + 8, steps=4)
    await hand.page.mouse.up()
    await expect(panel.dialog.locator("tr.detail")).to_have_count(0)


@pytest.mark.parametrize("language", ["ar", "he"])
async def test_the_panel_reads_from_left_to_right_on_a_page_that_does_not(hand: Hand, language: str) -> None:
    """It speaks neither language: its English stays English, in order, on its side of the window."""
    panel = await hand.visit()
    await panel.attribute("lang", language)
    await hand.page.evaluate("(lang) => { Object.assign(document.documentElement, { lang, dir: 'rtl' }); }", language)
    await panel.open()
    await expect(panel.button).to_have_attribute("lang", "en")
    drawer = await panel.dialog.bounding_box()
    assert drawer
    assert drawer["x"] + drawer["width"] == 1280
    await press(hand.page.locator("#views"))
    await expect(hand.page.locator("#views-menu")).to_be_in_viewport(ratio=1)
    await hand.page.keyboard.press("Escape")
    first, last = panel.dialog.locator(".tick").first, panel.dialog.locator(".tick").last
    boxes = [await span.bounding_box() for span in (first, last)]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] < boxes[1]["x"]
    for part in (panel.status, panel.lines.first, panel.button):
        assert await part.evaluate("(part) => getComputedStyle(part).direction") == "ltr"


async def test_the_counts_and_what_is_new_stay_in_view(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.locator(".scroll").evaluate("(part) => { part.scrollTop = 1500; }")
    await expect(panel.status).to_be_in_viewport(ratio=1)
    heads = panel.dialog.get_by_role("columnheader").nth(1)
    summary, head = await hand.page.locator(".summary").bounding_box(), await heads.bounding_box()
    assert summary
    assert head
    assert abs(summary["y"] + summary["height"] - head["y"]) < 2


async def test_an_export_that_is_not_allowed_is_not_offered(hand: Hand) -> None:
    panel = await hand.visit(scope="audit:read")
    await panel.open()
    await expect(panel.named("Export")).to_have_count(0)


async def test_an_export_that_was_refused_is_not_offered_again(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.route("**/v1/activities/export?*", problem(403))
    await press(panel.named("Export"))
    await press(panel.named("Excel"))
    menu = panel.dialog.locator(".menu")
    await expect(menu).to_have_text("The export failed and no file was saved: You can read this log but not export it.")
    await expect(panel.named("Export")).to_be_focused()
    await hand.page.keyboard.press("Escape")
    await expect(panel.named("Export")).to_have_count(0)
    await expect(panel.named("User management log", "heading")).to_be_focused()


@pytest.mark.parametrize(
    ("script", "shows"),
    [
        ("delete AbortSignal.any;", "This browser is too old"),
        (
            """const { resolvedOptions } = Intl.DateTimeFormat.prototype;
            Intl.DateTimeFormat.prototype.resolvedOptions = function () {
              const found = resolvedOptions.call(this);
              return found.timeZone === 'Europe/Paris' ? { ...found, timeZone: 'Etc/Unknown' } : found;
            };""",
            "UTC",
        ),
        ("Intl.DateTimeFormat.prototype.resolvedOptions = () => { throw new RangeError('none'); };", "UTC"),
    ],
)
async def test_a_browser_that_lacks_something_gets_a_button_and_an_answer(
    chromium: Browser, year_served: tuple[str, InMemoryLogReader], script: str, shows: str
) -> None:
    page, failures = await page_of(chromium, locale="en-GB", script=script)
    panel = await Hand(page, *year_served).visit()
    await press(panel.button)
    await expect(panel.dialog).to_contain_text(shows)
    await expect(panel.dialog).not_to_contain_text("Etc")
    if shows == "UTC":
        await expect(panel.status).to_contain_text("activities")
    await page.context.close()
    assert failures == []


async def test_a_zone_that_is_none_is_ignored_and_told_once(hand: Hand) -> None:
    panel = await hand.visit()
    told: list[str] = []
    hand.page.on("console", lambda message: told.append(message.text))
    for given, shown in (("+02:00", "Europe/Paris"), ("europe/berlin", "Europe/Berlin")):
        await panel.attribute("time-zone", given)
        await panel.attribute("lang", "fr")
        await panel.attribute("lang", "en")
        await press(panel.button)
        await expect(panel.dialog.locator("header")).to_contain_text(shown)
        await expect(panel.status).to_contain_text("activities")
        await hand.page.keyboard.press("Escape")
        await expect(panel.dialog).to_be_hidden()
    assert len([text for text in told if "time zone" in text]) == 1


async def test_the_address_of_the_page_stays_byte_for_byte(hand: Hand) -> None:
    panel = await hand.visit()
    own = "?space=acme&q=a%20b&debug&next=/x/y&ids[]=1#top"
    await hand.page.goto(f"{hand.url}/demo{own}")
    before = hand.page.url
    await panel.open()
    await panel.choice("API").check()
    assert hand.page.url.startswith(f"{hand.url}/demo?space=acme&q=a%20b&debug&next=/x/y&ids[]=1&uml=1")
    assert hand.page.url.endswith("#top")
    await press(panel.named("Close"))
    await expect(hand.page).to_have_url(before)
    assert hand.page.url.endswith(own)


async def test_keys_stop_at_the_panel(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.evaluate(
        """() => {
          window.heard = [];
          for (const type of ['keydown', 'keypress', 'keyup'])
            document.addEventListener(type, ({ key }) => heard.push(key));
        }"""
    )
    await hand.page.locator("#affectedUsers").click()
    await hand.page.keyboard.type("/gk")
    await hand.page.keyboard.press("Escape")
    assert await hand.page.evaluate("() => heard") == []
    await hand.page.keyboard.press("Escape")
    await expect(panel.dialog).to_be_hidden()
    # The address changes once the dialog has told of its end.
    await expect(hand.page).not_to_have_url(re.compile("uml=1"))
    await hand.page.keyboard.press("k")
    assert "k" in await hand.page.evaluate("() => heard")


async def test_the_first_impression_breaks_no_word_and_counts_nothing_wrong(hand: Hand) -> None:
    await hand.visit()
    await expect(hand.page.locator("#note")).to_contain_text("users that the log mentions")
    heads = hand.page.locator("#users th")
    heights = [await heads.nth(number).evaluate("(head) => head.clientHeight") for number in range(4)]
    assert len(set(heights)) == 1
    for number in range(3):
        assert await heads.nth(number).evaluate("(head) => head.scrollWidth <= head.clientWidth")


@pytest.mark.parametrize(("width", "height", "least"), [(1280, 860, 9), (1920, 1080, 14)])
async def test_as_many_lines_are_in_view_as_promised(hand: Hand, width: int, height: int, least: int) -> None:
    panel = await hand.open()
    await hand.resize(width, height)
    # A page that an import fills is followed by the next.
    await expect(panel.status).to_have_text("120 activities")
    box = await panel.dialog.bounding_box()
    assert box
    assert round(box["width"]) == round(min(1200, 0.92 * width))
    seen = await hand.page.locator("tr.line, tr.import").evaluate_all(
        "(lines) => lines.filter((line) => line.getBoundingClientRect().bottom <= innerHeight).length"
    )
    assert seen >= least
    assert set(await panel.lines.evaluate_all("(lines) => lines.map((line) => Math.ceil(line.offsetHeight / 25))")) == {
        2
    }


async def test_a_day_has_a_heading_that_stays_and_counts_all_of_it(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "7d"})
    heads = panel.dialog.get_by_role("rowheader")
    await expect(heads.nth(1)).to_have_text(re.compile(r"Saturday,? 21 November 2026\s*· 60 activities"))
    await press(panel.named("Show the activities of the import"))
    await panel.lines.nth(40).evaluate("(line) => line.scrollIntoView({ block: 'end' })")
    await expect(heads.nth(1)).to_be_in_viewport(ratio=1)
    table, head = (
        await panel.dialog.get_by_role("columnheader").nth(1).bounding_box(),
        await heads.nth(1).bounding_box(),
    )
    assert table
    assert head
    assert abs(table["y"] + table["height"] - head["y"]) < 2


async def test_a_long_name_takes_two_lines_and_no_more(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m"})
    await hand.page.locator("#affectedUsers").click()
    await hand.page.keyboard.type("maximilian")
    await hand.page.keyboard.press("Enter")
    await expect(panel.chips.nth(1)).to_contain_text("Maximilian")
    await expect(panel.status).not_to_contain_text("50 shown")
    height = await panel.lines.first.evaluate("(line) => line.offsetHeight")
    assert height < 70
    assert await panel.chips.nth(1).evaluate("(chip) => chip.offsetHeight") < 40


async def test_the_page_leads_to_the_history_of_a_user(hand: Hand) -> None:
    panel = await hand.visit()
    await press(hand.page.get_by_role("button", name="History of Irena Eriksen"))
    await expect(panel.chips).to_have_text(
        ["Period: Last 12 months", "Affected user: Irena Eriksen"], use_inner_text=True
    )
    await panel.settled()
    names = set(await panel.lines.locator("td:nth-child(4) .name").all_inner_texts())
    assert names == {"Irena Eriksen"}
    await expect(hand.page).to_have_url(re.compile(r"uml\.user=[0-9a-f-]{36}"))
    assert "usr_" not in hand.page.url
    await press(panel.named("Close"))
    await expect(hand.page.get_by_role("button", name="History of Irena Eriksen")).to_be_focused()
    await panel.element.evaluate("(element) => element.show({ affectedUser: 'usr_nobody' })")
    await expect(panel.dialog.locator(".state")).to_contain_text("No matching activity")
    await expect(panel.chips.nth(1)).to_have_text("Affected user: usr_nobody")
    assert "usr_" not in hand.page.url


async def test_a_click_on_a_value_filters_by_it(hand: Hand) -> None:
    panel = await hand.open()
    await press(panel.lines.first.get_by_text("Chloé Martin"))
    await expect(panel.chips.nth(1)).to_have_text("Admin: Chloé Martin")
    await expect(panel.dialog.locator("tr.detail")).to_have_count(0)
    await panel.settled()
    await press(panel.lines.first.get_by_text("Web UI"))
    await expect(panel.choice("Web UI")).to_be_checked()


async def test_another_list_is_read_from_its_beginning(hand: Hand) -> None:
    panel = await hand.open()
    await hand.resize(1280, 500)
    for name in ("Admin", "Views"):
        far = panel.lines.get_by_text("Chloé Martin").last
        await far.scroll_into_view_if_needed()
        await expect(panel.lines.first).not_to_be_in_viewport()
        if name == "Views":
            await press(panel.named("Views"))
            await press(panel.named("Deletions, 12 months"))
        else:
            await press(far)
        await panel.settled()
        await expect(panel.lines.first).to_be_in_viewport(ratio=1)


async def test_a_license_is_chosen_from_those_of_the_log_or_by_a_click_on_it(hand: Hand) -> None:
    panel = await hand.open()
    asked = lists_asked(panel)
    choice = panel.select("License")
    names = [re.compile(rf"{name} \(\d+\)") for name in sorted(filter(None, year.LICENSES))]
    await expect(choice.locator("option")).to_have_text([re.compile("License"), *names])
    await expect(choice).to_be_in_viewport(ratio=1)
    await choice.select_option(value="Data Steward")
    await expect(panel.chips.nth(1)).to_have_text("License: Data Steward")
    # As wide as what is chosen: no word is cut.
    assert await choice.evaluate("(select) => select.offsetWidth") > 120
    await panel.settled()
    changes = panel.lines.locator("td[data-label=Change]")
    assert {"Data Steward" in text for text in await changes.all_inner_texts()} == {True}

    other = panel.lines.locator("del bdi").filter(has_not_text="Data Steward").first
    name = await other.inner_text()
    await press(other)
    await expect(panel.chips.nth(1)).to_have_text(f"License: {name}")
    await expect(choice).to_have_value(name)
    await expect(panel.dialog.locator("tr.detail")).to_have_count(0)
    await panel.settled()
    assert [query["license"] for query in asked] == [["Data Steward"], [name]]
    assert f"uml.license={name.replace(' ', '+')}" in hand.page.url
    await hand.page.go_back()
    await expect(panel.chips.nth(1)).to_have_text("License: Data Steward")
    await choice.select_option(value="")
    await expect(panel.chips).to_have_count(1)


async def test_each_choice_carries_what_it_would_show_beside_the_other_filters(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "90d"})

    async def counts() -> dict[str, int]:
        await expect(hand.page.locator(".sets[data-stale]")).to_have_count(0)
        labels = await hand.page.locator(".choices label").all_inner_texts()
        return {name: int(count) for name, count in (label.rsplit(maxsplit=1) for label in labels)}

    before = await counts()
    assert set(before) == {
        *("User created", "User deleted", "License changed", "Admin rights changed"),
        *("Web UI", "API", "File import"),
    }
    await expect(panel.select("License").locator("option")).not_to_have_count(1)
    options = await panel.select("License").locator("option").all_inner_texts()
    await panel.choice("License changed").check()
    await expect(panel.status).to_contain_text(f"{before['License changed']} activities")
    after = await counts()
    # The filter's own values count as before, the others beside it.
    assert {name: after[name] for name in list(before)[:4]} == {name: before[name] for name in list(before)[:4]}
    assert after["File import"] == before["File import"] - before["User created"]
    assert await panel.select("License").locator("option").all_inner_texts() == options
    await expect(panel.choice("API")).to_have_accessible_description(str(after["API"]))
    await panel.choice("API").check()
    await expect(panel.status).to_contain_text(f"{after['API']} activities")
    assert sum(list((await counts()).values())[4:]) == before["License changed"]
    (option,) = [text for text in await panel.select("License").locator("option").all_inner_texts() if "Reader" in text]
    await panel.select("License").select_option(option)
    count = option.rpartition("(")[2].rstrip(")")
    assert int(count) > 0
    await expect(panel.status).to_contain_text(f"{count} activities")


@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_narrow_table_cuts_no_word_and_keeps_to_three_lines_a_row(hand: Hand, language: str) -> None:
    panel = await hand.open(language=language)
    await hand.page.set_viewport_size({"width": 768, "height": 1024})
    cut = await panel.dialog.locator("thead th, tr.line td > div").evaluate_all(
        "(cells) => cells.filter((cell) => cell.scrollWidth > cell.clientWidth).map((cell) => cell.innerText)"
    )
    assert cut == []
    heights = await panel.lines.evaluate_all("(rows) => rows.map((row) => row.offsetHeight)")
    assert sorted(heights)[len(heights) // 2] <= 64


async def test_an_import_is_one_row_whose_counts_are_those_of_the_filters(hand: Hand) -> None:
    panel = await hand.open()
    row = hand.page.locator("tr.import")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("Jürgen Schmidt imported a file")
    await expect(row).to_contain_text("20 created, 40 licensed · 60 activities")
    # A page that an import fills is followed by the next: all 120 lines are here.
    await expect(panel.status).to_have_text("120 activities")
    await expect(panel.lines).to_have_count(60)
    await press(row.locator("time"))
    await expect(panel.lines).to_have_count(120)
    await press(row.get_by_role("button", name="Hide the activities"))
    await panel.choice("User created").check()
    await expect(row).to_contain_text("20 created · 20 activities")
    await press(panel.named("Show only this"))
    await expect(panel.lines).to_have_count(50)
    await expect(row).to_have_count(0)
    await expect(panel.status).to_have_text("60 activities, 50 shown")


async def test_an_import_of_hundreds_is_passed_by_one_click(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "custom", "uml.from": "2026-08-01", "uml.to": "2026-08-21"})
    row = hand.page.locator("tr.import")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("84 created, 336 licensed · 420 activities")
    await expect(panel.status).not_to_contain_text("shown")
    await expect(row).not_to_contain_text("loaded")


async def test_one_import_does_not_flatten_the_chart_and_carries_its_number(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "90d"})
    chart = panel.dialog.get_by_role("img")
    await expect(chart.locator(".cut")).to_have_text(["60"])
    heights = await chart.locator("g").evaluate_all(
        "(days) => days.map((day) => [...day.querySelectorAll('.bar')]"
        ".reduce((sum, bar) => sum + Number(bar.getAttribute('height')), 0))"
    )
    assert len(heights) == 90
    usual = sorted(height for height in heights if height)
    assert usual[len(usual) // 2] > 6
    await expect(chart.locator(".tick")).to_have_count(4)
    assert len(await chart.locator("[data-type=user_deletion]").all()) > 1
    await panel.select("Period").select_option("12m")
    await expect(chart.locator("g")).to_have_count(53)
    await expect(chart.locator(".cut").first).to_be_visible()


async def test_lines_that_come_later_are_counted_and_refused_as_the_first(hand: Hand) -> None:
    panel = await hand.open(**{"uml": "1", "uml.range": "12m"})
    rows = hand.page.locator("tr.import")
    await expect(rows.nth(1)).to_contain_text("84 created, 336 licensed · 420 activities")
    await hand.page.route("**/v1/**", problem(401))
    await hand.page.locator("#more").click()
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(panel.lines).to_have_count(0)
    assert "acme-industries" not in await panel.element.evaluate("(element) => element.shadowRoot.innerHTML")
