"""Views: filters under a name, built in or saved in the browser."""

import re
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from playwright.async_api import expect

from producers.activities import admin_rights_updated
from producers.errors import Stamp
from tests.browser import year
from tests.browser.conftest import Hand, Panel, lists_asked, press, problem
from tests.builders import NOW


async def choose(panel: Panel, name: str) -> None:
    await press(panel.page.locator("#views"))
    await press(panel.page.locator("#views-menu .quiet").filter(has_text=name))


async def test_a_built_in_view_is_one_step_of_the_history(hand: Hand) -> None:
    panel = await hand.open()
    before = hand.page.url
    await choose(panel, "Deletions, 12 months")
    await expect(panel.chips).to_have_text(["Period: Last 12 months", "Activity: User deleted"], use_inner_text=True)
    await expect(panel.status).to_have_text(f"{len(year.LEAVERS)} activities")
    await expect(hand.page.locator("#views")).to_be_focused()
    await hand.page.go_back()
    await expect(hand.page).to_have_url(before)
    await expect(panel.chips).to_have_count(1)


async def test_admin_rights_that_were_granted_are_told_from_those_that_were_removed(hand: Hand) -> None:
    space = f"rights-{uuid4().hex[:8]}"
    context = replace(year.by_hand(1), client_space_id=space)
    for granted, days in ((True, 3), (False, 2), (True, 100)):
        stamp = Stamp(uuid4(), NOW - timedelta(days=days))
        await hand.record(admin_rights_updated(context, year.PEOPLE[0], stamp, granted=granted))
    panel = await hand.open(space)
    await choose(panel, "Admin rights granted, 90 days")
    await expect(panel.chips).to_have_text(
        ["Period: Last 90 days", "Change: Admin rights granted"], use_inner_text=True
    )
    await expect(panel.lines).to_have_count(1)
    await hand.page.reload()
    await expect(panel.chips.nth(1)).to_contain_text("Admin rights granted")
    await press(panel.named("Clear all"))
    await expect(panel.lines).to_have_count(2)
    await press(panel.lines.first.get_by_text("Admin rights removed"))
    await expect(panel.lines).to_have_count(1)
    await expect(panel.chips.nth(1)).to_contain_text("Admin rights removed")


async def test_the_last_import_is_one_press_away_and_its_absence_is_told(hand: Hand) -> None:
    panel = await hand.open()
    await choose(panel, "Last import")
    await expect(panel.chips.nth(1)).to_contain_text("Import")
    await expect(panel.status).to_contain_text(f"{year.IMPORTS[-1][1]} activities")
    space = f"none-{uuid4().hex[:8]}"
    panel = await hand.visit(space)
    await press(panel.button)
    await choose(panel, "Last import")
    menu = hand.page.locator("#views-menu")
    await expect(menu.get_by_role("alert")).to_have_text("There was no file import in the last 12 months.")


async def test_names_leave_the_screen_of_whoever_asks_for_the_last_import_signed_out(hand: Hand) -> None:
    panel = await hand.open()
    # No poll tells it meanwhile.
    await panel.attribute("poll-seconds", "600")
    await hand.page.route("**/v1/**", problem(401))
    await choose(panel, "Last import")
    await expect(hand.page.locator("#views-menu").get_by_role("alert")).to_have_text("You are signed out")
    await expect(panel.lines).to_have_count(0)


async def test_a_view_that_would_lose_its_user_is_not_saved(hand: Hand) -> None:
    """The page named the user by id, and no line told the ref."""
    panel = await hand.open()
    await panel.element.evaluate("(element) => element.show({ affectedUser: 'usr_nobody' })")
    await expect(panel.chips.nth(1)).to_have_text("Affected user: usr_nobody", use_inner_text=True)
    await press(hand.page.locator("#views"))
    await expect(hand.page.locator("#views-menu .hint")).to_contain_text("This view cannot be saved")
    await expect(hand.page.locator("#save-view")).to_have_count(0)


async def test_an_id_leaves_the_screen_of_whoever_is_signed_out(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.route("**/v1/**", problem(401))
    await panel.element.evaluate("(element) => element.show({ affectedUser: 'usr_nobody' })")
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(panel.chips.nth(1)).to_have_text("Affected user: Unknown person", use_inner_text=True)
    assert "usr_nobody" not in await panel.element.evaluate("(element) => element.shadowRoot.innerHTML")


async def test_a_visit_begins_where_the_one_before_ended(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.evaluate("() => localStorage.clear()")
    await press(hand.page.locator("#views"))
    await expect(panel.named("Since my last visit")).to_have_count(0)
    await hand.page.keyboard.press("Escape")
    await expect(hand.page.locator("#views")).to_be_focused()
    await press(panel.named("Close"))
    await press(panel.button)
    asked = lists_asked(panel)
    await choose(panel, "Since my last visit")
    await expect(panel.chips.first).to_contain_text("Since")
    await panel.settled()
    # The list of the opening may have been asked for after the button was pressed.
    assert asked[-1]["from"][0][:19] == f"{NOW:%Y-%m-%dT%H:%M:%S}"
    await expect(hand.page).to_have_url(re.compile(r"uml\.range=since"))
    await hand.page.reload()
    await expect(panel.select("Period").locator("option:checked")).to_contain_text("Since")
    await panel.select("Period").select_option("7d")
    await expect(panel.chips.first).to_contain_text("Last 7 days")
    await expect(hand.page).not_to_have_url(re.compile(r"uml\.from"))


async def test_a_view_is_saved_chosen_renamed_and_deleted_by_keyboard_and_holds_no_name(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.evaluate("() => localStorage.clear()")
    await panel.choice("License changed").check()
    await panel.select("Affected user").fill("Bruno")
    await press(panel.suggestions.first)
    await expect(panel.chips).to_have_count(3)
    await expect(hand.page).to_have_url(re.compile(r"uml\.user="))
    filtered = hand.page.url
    keyboard = hand.page.keyboard
    await hand.page.locator("#views").focus()
    await keyboard.press("Enter")
    await hand.page.locator("#save-view").focus()
    await keyboard.press("Enter")
    name = hand.page.locator("#view-name")
    await expect(name).to_be_focused()
    await expect(name).to_have_value("License changed, Last 30 days")
    await name.fill("My people")
    await keyboard.press("Enter")
    await expect(panel.named("My people").first).to_be_visible()
    kept = await hand.page.evaluate("() => JSON.stringify({ ...localStorage })")
    assert "uml.user=" in kept
    assert "Bruno" not in kept
    assert "usr_" not in kept
    await keyboard.press("Escape")
    await press(panel.named("Clear all"))
    await hand.page.reload()
    await expect(hand.page.locator("#views")).to_be_visible()
    await choose(panel, "My people")
    await expect(hand.page).to_have_url(filtered)
    await press(hand.page.locator("#views"))
    await hand.page.locator("[aria-label^='Rename the view']").focus()
    await keyboard.press("Enter")
    await name.fill("Licenses")
    await keyboard.press("Enter")
    await expect(panel.named("Licenses").first).to_be_visible()
    await expect(panel.named("My people")).to_have_count(0)
    await hand.page.locator("[aria-label^='Delete the view']").focus()
    await keyboard.press("Enter")
    await expect(panel.named("Licenses")).to_have_count(0)
    await expect(hand.page.locator("#views")).to_be_focused()


async def test_where_the_browser_keeps_nothing_it_says_so(hand: Hand) -> None:
    panel = await hand.open()
    await hand.page.evaluate(
        "() => { Object.defineProperty(window, 'localStorage', { get: () => { throw new DOMException('no') } }); }"
    )
    await press(hand.page.locator("#views"))
    await press(hand.page.locator("#save-view"))
    await hand.page.keyboard.press("Enter")
    await expect(hand.page.locator("#views-menu").get_by_role("alert")).to_have_text(
        "The browser stores nothing for this page."
    )
    await press(panel.named("Close"))
    await expect(panel.dialog).to_be_hidden()


async def test_the_views_can_be_seen_in_every_window(hand: Hand) -> None:
    panel = await hand.open()
    for width, height in ((1920, 1080), (768, 1024), (375, 812)):
        await hand.resize(width, height)
        await press(hand.page.locator("#views"))
        await expect(hand.page.locator("#views-menu")).to_be_in_viewport(ratio=1)
        await press(hand.page.locator("#save-view"))
        await expect(hand.page.locator("#views-menu")).to_be_in_viewport(ratio=1)
        await hand.page.keyboard.press("Escape")
        await hand.page.keyboard.press("Escape")
        await expect(hand.page.locator("#views-menu")).to_be_hidden()
    await expect(panel.dialog).to_be_visible()
