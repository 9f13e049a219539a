"""It goes on: tokens end, the API stops, people are deleted while somebody reads."""

import asyncio
import re
from uuid import uuid4

from playwright.async_api import Page, Route, expect

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, UiSession
from tests.browser.conftest import OpenPanel, Panel, problem, wait_for_lines
from tests.browser.seed import ADA, BOB, GRACE, LEAVER

LOG = "**/v1/activities?*"


async def test_a_token_that_ends_is_renewed_without_a_word(open_page: OpenPanel) -> None:
    """A token of one second is renewed for each request; one that the API refuses is replaced once."""
    panel = await open_page(query={"seconds": 1})
    # No poll asks meanwhile.
    await panel.attribute("poll-seconds", "600")
    forced: list[bool] = []
    await panel.page.expose_function("asked", lambda force: forced.append(force))  # noqa: PLW0108 - a builtin cannot be exposed
    await panel.element.evaluate(
        """(element) => {
          const { getToken } = element;
          element.getToken = async (request) => { await asked(request.force); return getToken(request); };
        }"""
    )
    await panel.open()
    refused = 0

    async def refuse_once(route: Route) -> None:
        nonlocal refused
        refused += 1
        await (problem(401)(route) if refused == 1 else route.continue_())

    await panel.page.route(LOG, refuse_once)
    await panel.choice("License changed").check()
    await expect(panel.status).to_have_text("102 activities, 50 shown")
    await expect(panel.dialog.get_by_role("alert")).to_have_count(0)
    assert refused == 2
    assert forced[0] is False
    assert True in forced


async def test_a_session_that_ended_is_told_to_the_host_and_goes_on_after_signing_in(open_page: OpenPanel) -> None:
    panel = await open_page()
    await panel.element.evaluate(
        """(element) => {
          element.before = element.getToken;
          element.getToken = async () => { throw new Error('signed out'); };
          element.addEventListener('uml-auth-required', () => { element.dataset.told = 'yes'; });
        }"""
    )
    await panel.button.click()
    await expect(panel.dialog.get_by_role("alert")).to_contain_text("You are signed out")
    await expect(panel.element).to_have_attribute("data-told", "yes")
    await panel.element.evaluate("(element) => { element.getToken = element.before; }")
    await expect(panel.lines).to_have_count(50)


async def test_the_api_may_stop_and_start_again(open_page: OpenPanel, stack: LocalStack) -> None:
    panel = await open_page()
    await panel.attribute("poll-seconds", "0.5")
    await panel.open()
    stack.stop_service("query_api")
    try:
        alert = panel.dialog.get_by_role("alert")
        await expect(alert).to_contain_text("The log cannot be reached")
        await expect(panel.lines).to_have_count(50)
    finally:
        stack.start_service("query_api")
    await expect(alert).to_have_count(0)
    await panel.named("Load 50 more").click()
    await expect(panel.lines).to_have_count(100)


async def test_somebody_who_is_deleted_meanwhile_disappears_from_the_open_panel(
    open_page: OpenPanel, publisher: KafkaPublisher, stack: LocalStack
) -> None:
    space = f"erased-{uuid4().hex[:8]}"
    admin = UiSession(publisher, client_space_id=space, admin=GRACE, service="user-service")
    await admin.user_created(BOB)
    for person in (ADA, LEAVER):
        await admin.user_created(person)
        await admin.license_updated(person, previous_license=None, new_license="Data Reader")
    await wait_for_lines(stack, space, 5)
    watching, filtered = await open_page(space), await open_page(space)
    for panel in (watching, filtered):
        await panel.attribute("poll-seconds", "0.5")
        await panel.open()
    opener = watching.lines.first.get_by_role("button")
    event_id = str(await opener.get_attribute("id")).removeprefix("toggle-")
    # The line is of no channel that this one's list shows.
    linked = await open_page(space, query={"uml": "1", "uml.channel": "api", "uml.event": event_id})
    await linked.attribute("poll-seconds", "0.5")
    await expect(linked.lines).to_contain_text("Lea Ver")
    await linked.lines.get_by_role("button").click()
    await watching.lines.first.get_by_role("button").click()
    await expect(watching.dialog.locator("pre")).to_contain_text("Lea Ver")
    await pick(filtered, "Lea Ver")
    await expect(filtered.lines).to_have_count(2)
    await admin.user_deleted(LEAVER)
    await expect(watching.lines.filter(has_text="Deleted User")).to_have_count(2)
    await expect(watching.lines).to_have_count(5)
    await expect(watching.named("1 new activity")).to_be_visible()
    await expect(filtered.chips.nth(1)).to_have_text("Affected user: Deleted User", use_inner_text=True)
    await expect(filtered.lines).to_have_count(0)
    await expect(linked.lines).to_contain_text("Deleted User")
    # What the reader closed stays closed.
    await expect(linked.lines.get_by_role("button").first).to_have_attribute("aria-expanded", "false")
    for panel in (watching, filtered, linked):
        await expect(panel.page.locator("#announcement")).not_to_contain_text("Lea Ver")
        shown = await panel.element.evaluate("(element) => element.shadowRoot.innerHTML")
        assert "Lea Ver" not in shown
        assert LEAVER.username not in shown


async def test_a_linked_line_is_asked_for_once_at_a_time_and_stays_closed_once_closed(open_page: OpenPanel) -> None:
    asked: list[Route] = []
    event_id = await _first_event_id(open_page)

    async def hold(page: Page) -> None:
        async def answer(route: Route) -> None:
            asked.append(route)
            if len(asked) > 1:
                await route.continue_()

        await page.route(f"**/v1/activities/{event_id}", answer)

    linked = await open_page(query={"uml": "1", "uml.event": event_id}, prepare=hold)
    await linked.attribute("poll-seconds", "0.2")
    for _ in range(3):
        async with linked.page.expect_response(LOG):
            pass
    assert len(asked) == 1
    await asked[0].continue_()
    toggle = linked.dialog.get_by_role("region", name="Linked activity").locator("tr.line button")
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await toggle.click()
    for _ in range(2):
        async with linked.page.expect_response(f"**/v1/activities/{event_id}"):
            pass
    await expect(toggle).to_have_attribute("aria-expanded", "false")


async def _first_event_id(open_page: OpenPanel) -> str:
    panel = await open_page()
    await panel.open()
    return str(await panel.lines.first.get_by_role("button").get_attribute("id")).removeprefix("toggle-")


async def test_another_way_to_get_tokens_leaves_nothing_of_the_client_space_before(
    panel: Panel, small_space: str
) -> None:
    released = asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await panel.page.route(LOG, hold)
    await panel.element.evaluate(
        """(element, space) => {
          element.getToken = async () =>
            (await fetch(`/demo/session/audit-token?client_space=${space}`, { method: 'POST' })).text();
        }""",
        small_space,
    )
    await expect(panel.lines).to_have_count(0)
    # Silent at first, and then it says that it loads: of the other client space it tells no number.
    await expect(panel.status).to_have_text(re.compile("^(Loading activities…)?$"))
    released.set()
    await expect(panel.status).to_have_text("17 activities")


async def test_more_lines_are_not_to_be_had_while_others_are_on_their_way(panel: Panel) -> None:
    # No poll asks meanwhile.
    await panel.attribute("poll-seconds", "600")
    more = panel.named("Load 50 more")
    await expect(more).to_have_attribute("aria-disabled", "false")
    asked, released = 0, asyncio.Event()

    async def fail_once(route: Route) -> None:
        nonlocal asked
        asked += 1
        await released.wait()
        await (problem(503)(route) if asked == 1 else route.continue_())

    await panel.page.route(LOG, fail_once)
    await panel.choice("License changed").check()
    await expect(more).to_have_attribute("aria-disabled", "true")
    await more.click(force=True)
    released.set()
    await expect(panel.dialog.get_by_role("alert")).to_be_visible()
    # These are still the lines of before.
    await expect(more).to_have_attribute("aria-disabled", "true")
    assert asked == 1
    await panel.element.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    await expect(panel.dialog.get_by_role("alert")).to_have_count(0)
    await expect(panel.status).to_have_text("102 activities, 50 shown")
    await expect(panel.lines.filter(has_text="Admin rights")).to_have_count(0)


async def pick(panel: Panel, name: str) -> None:
    box = panel.select("Affected user")
    await box.fill(name)
    await panel.suggestions.filter(has_text=name).click()
    await box.press("Escape")
