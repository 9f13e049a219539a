"""What a page pays for the panel: a button, until somebody is about to open the log."""

import asyncio

from playwright.async_api import Browser, Page, Request, Route, expect

from query_api.panel.serve import PREFIX
from tests.browser.conftest import DEADLINE_SECONDS, Hand, page_of, press
from tests.fakes.reader import InMemoryLogReader

BUTTON = {"user-management-log.js"}
FIRST = {"log.js", "vendor/lit-html/lit-html.js", "locales/en.js"}
BEHIND = {"rest.js", "locales/en-rest.js"}
FRENCH = {"locales/fr.js", "locales/fr-rest.js"}
LOG = "**/log.js"


class Weights:
    """What goes over the wire for the panel's modules, in bytes of their bodies."""

    def __init__(self, page: Page) -> None:
        self._sizes: dict[str, int] = {}
        self._arrived = asyncio.Event()
        page.on("requestfinished", self._count)

    async def _count(self, request: Request) -> None:
        _, _, versioned = request.url.partition(f"{PREFIX}/")
        if versioned:
            # The address without a version counts, too; its name here is empty.
            self._sizes[versioned.partition("/")[2]] = (await request.sizes())["responseBodySize"]
            self._arrived.set()

    async def of(self, names: set[str]) -> int:
        """The sum, once *names* are there; nothing else may be."""
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not names <= self._sizes.keys():
                self._arrived.clear()
                await self._arrived.wait()
        assert self._sizes.keys() - {""} == names
        return sum(self._sizes.values())


async def test_the_page_pays_for_a_button_and_the_rest_comes_when_it_is_needed(
    chromium: Browser, year_served: tuple[str, InMemoryLogReader]
) -> None:
    page, failures = await page_of(chromium, locale="en-GB")
    weights, released = Weights(page), asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    panel = await Hand(page, *year_served).visit()
    await page.route("**/*rest.js", hold)
    await expect(panel.button).to_be_visible()
    await page.wait_for_load_state("networkidle")
    button = await weights.of(BUTTON)
    assert button <= 3_000
    async with page.expect_response(LOG):
        await panel.button.hover()
    await expect(panel.dialog).to_be_hidden()
    await panel.open(whole=False)
    await expect(page.locator(".filters-waiting")).to_be_visible()
    lines = await weights.of(BUTTON | FIRST)
    assert lines <= 25_000
    released.set()
    await expect(panel.choice("User created")).to_be_visible()
    rest = await weights.of(BUTTON | FIRST | BEHIND)
    assert rest - lines <= 18_800
    await panel.attribute("lang", "fr")
    await expect(panel.named("Journal de gestion des utilisateurs", "heading")).to_be_visible()
    assert await weights.of(BUTTON | FIRST | BEHIND | FRENCH) - rest <= 4_000
    await page.context.close()
    assert failures == []


async def test_what_is_asked_for_before_the_log_is_there_holds_until_the_panel_is_closed(hand: Hand) -> None:
    panel, released = await hand.visit(), asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await hand.page.route(LOG, hold)
    await panel.element.evaluate("(element) => { element.show(); element.close(); }")
    await panel.element.evaluate("(element) => element.show({ affectedUser: 'usr_1' })")
    await expect(panel.button).to_have_attribute("aria-busy", "true")
    released.set()
    await expect(panel.chips.nth(1)).to_contain_text("Affected user")
    await expect(panel.dialog).to_be_visible()
    assert await panel.button.get_attribute("aria-busy") is None
    await panel.element.evaluate("(element) => element.close()")
    await expect(panel.dialog).to_be_hidden()


async def test_the_token_is_asked_for_while_the_log_is_loaded_and_once(hand: Hand) -> None:
    panel, released = await hand.visit(), asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await hand.page.route(LOG, hold)
    await panel.element.evaluate("""(element) => {
      const { getToken } = element;
      element.asked = [];
      element.getToken = (request) => { element.asked.push(request.force); return getToken(request); };
    }""")
    await press(panel.button)
    await hand.page.wait_for_function("document.querySelector('user-management-log').asked.length")
    released.set()
    await expect(panel.lines.first).to_be_visible()
    assert await panel.element.evaluate("(element) => element.asked") == [False]


async def test_a_panel_that_was_closed_before_the_log_is_there_stays_closed(hand: Hand) -> None:
    panel, released = await hand.visit(), asyncio.Event()

    async def hold(route: Route) -> None:
        await released.wait()
        await route.continue_()

    await hand.page.route(LOG, hold)
    await panel.element.evaluate("(element) => { element.show(); element.close(); }")
    released.set()
    await expect(panel.dialog).to_be_attached()
    await expect(panel.dialog).to_be_hidden()


async def test_a_log_that_cannot_be_loaded_is_told_beside_the_button(hand: Hand) -> None:
    panel = await hand.visit()
    await hand.page.route(LOG, lambda route: route.abort())
    await press(panel.button)
    note = panel.element.get_by_role("alert")
    await expect(note).to_have_text("The log could not be loaded. Reload the page.")
    await expect(note).to_be_in_viewport(ratio=1)
    assert await panel.button.get_attribute("aria-busy") is None
