"""A real browser on the demo page of the real stack. Everything here is asynchronous: one loop serves the session."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Browser, Locator, Page, Request, Route, async_playwright, expect

from deploy.local.stack.stack import LocalStack
from producers import KafkaPublisher, ProducerSettings
from schemas.events import Event
from tests.browser import year
from tests.browser.demo_data import add_events, served, store_of
from tests.browser.seed import CHANGES, SEEDED_LINES, seed
from tests.builders import NOW
from tests.chromium import ARGUMENTS, ensure_browser
from tests.fakes.reader import InMemoryLogReader

ZONE = "Europe/Paris"
TITLE = "User management log"
DEADLINE_SECONDS = 60

# How long a busy machine may take; what is there is seen at once.
expect.set_options(timeout=DEADLINE_SECONDS * 1000)

OpenPanel = Callable[..., Awaitable["Panel"]]


class Panel:
    """The panel on a page, as somebody who uses it sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.element = page.locator("user-management-log")
        self.button = page.get_by_role("button", name=TITLE, exact=True)
        self.dialog = page.locator("user-management-log dialog")
        self.lines = page.locator("tr.line")
        self.status = page.locator("#count")
        self.chips = page.locator(".chip")
        self.suggestions = page.locator("user-management-log [role=option]")

    async def open(self, *, whole: bool = True) -> None:
        """Open the drawer by its button and wait for lines, and, if *whole*, for what is loaded behind them.

        The drawer has come to rest then: what it measures, and where it is, stays.
        """
        await self.page.locator("#open").click()
        await expect(self.lines.first).to_be_visible()
        if whole:
            await expect(self.page.locator("#filters")).to_be_attached()
        await self.dialog.evaluate("(dialog) => Promise.all(dialog.getAnimations().map(({ finished }) => finished))")

    async def settled(self) -> None:
        """Wait until nothing is being loaded."""
        await expect(self.page.locator(".frame")).to_have_attribute("aria-busy", "false")

    def named(self, name: str, role: Any = "button") -> Locator:
        """What has that accessible name inside the drawer."""
        return self.dialog.get_by_role(role, name=name)

    def choice(self, name: str) -> Locator:
        """The checkbox of that name."""
        return self.dialog.get_by_role("checkbox", name=name, exact=True)

    def select(self, name: str) -> Locator:
        """The list of that name."""
        return self.dialog.get_by_role("combobox", name=name, exact=True)

    async def attribute(self, name: str, value: str) -> None:
        """Set an attribute of the element."""
        await self.element.evaluate("(element, [name, value]) => element.setAttribute(name, value)", [name, value])


@pytest.fixture(scope="session")
def api_url(stack: LocalStack) -> str:
    """Where the API, the panel and the demo page are."""
    return stack.layout.endpoints()["query_api"]


@pytest.fixture(scope="session")
async def publisher(stack_environment: dict[str, str]) -> AsyncIterator[KafkaPublisher]:
    """The real publisher on the stack's broker."""
    settings = ProducerSettings(
        kafka_bootstrap_servers=stack_environment["KAFKA_BOOTSTRAP_SERVERS"],
        schema_registry_url=stack_environment["SCHEMA_REGISTRY_URL"],
    )
    async with KafkaPublisher(settings) as started:
        yield started


@pytest.fixture(scope="session")
async def space(stack: LocalStack, publisher: KafkaPublisher) -> str:
    """A client space with a log that no test changes."""
    name = f"seeded-{uuid4().hex[:8]}"
    await seed(publisher, name)
    await wait_for_lines(stack, name, SEEDED_LINES)
    return name


@pytest.fixture(scope="session")
async def small_space(stack: LocalStack, publisher: KafkaPublisher) -> str:
    """A client space with a few lines of each kind: what looks at every cell takes its time for each."""
    name = f"small-{uuid4().hex[:8]}"
    await seed(publisher, name, changes=11)
    await wait_for_lines(stack, name, SEEDED_LINES - CHANGES + 11)
    return name


async def wait_for_lines(stack: LocalStack, client_space_id: str, count: int) -> None:
    """Return when the log has *count* lines."""
    url = stack.layout.endpoints()["query_api"]
    async with httpx.AsyncClient(base_url=url, timeout=30) as client, asyncio.timeout(DEADLINE_SECONDS):
        given = await client.post("/demo/session/audit-token", params={"client_space": client_space_id})
        headers = {"Authorization": f"Bearer {given.text}"}
        while True:
            answer = await client.get("/v1/activities/stats", params={"interval": "month"}, headers=headers)
            if answer.raise_for_status().json()["total"] >= count:
                return
            await asyncio.sleep(0.05)


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The machine's Chromium, headless."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=ensure_browser(), args=list(ARGUMENTS))
        yield browser
        await browser.close()


@pytest.fixture
async def open_page(chromium: Browser, api_url: str, space: str) -> AsyncIterator[OpenPanel]:
    """Opens the demo page; an error in any of its scripts fails the test."""
    contexts = []
    failures: list[str] = []

    async def open_one(  # noqa: PLR0913 - each is one property of a visit
        client_space: str = space,
        *,
        query: dict[str, Any] | None = None,
        width: int = 1280,
        height: int = 860,
        theme: str = "light",
        language: str = "en",
        prepare: Callable[[Page], Awaitable[None]] | None = None,
        **options: Any,
    ) -> Panel:
        viewport = {"width": width, "height": height}
        usual = {"viewport": viewport, "color_scheme": theme, "timezone_id": ZONE, "locale": "en-GB", **options}
        context = await chromium.new_context(**usual)
        contexts.append(context)
        context.set_default_timeout(DEADLINE_SECONDS * 1000)
        page = await context.new_page()
        page.on("pageerror", lambda error: failures.append(str(error)))
        if prepare:
            await prepare(page)
        # A subject of its own, since each may only ask so often.
        address = {"space": client_space, "lang": language, "subject": uuid4().hex, **(query or {})}
        await page.goto(f"{api_url}/demo?{urlencode(address, doseq=True)}")
        return Panel(page)

    yield open_one
    for context in contexts:
        await context.close()
    assert failures == []


@pytest.fixture
async def panel(open_page: OpenPanel) -> Panel:
    """The panel on the seeded log, opened by its button."""
    found = await open_page()
    await found.open()
    return found


@dataclass(frozen=True, slots=True)
class Hand:
    """A page that one person after another uses, and the log behind it."""

    page: Page
    url: str
    store: InMemoryLogReader

    async def visit(self, space: str = year.SPACE, *, language: str = "en", **query: Any) -> Panel:
        """The demo page anew, in a window of the usual size."""
        await self.page.unroute_all()
        await self.resize(1280, 860)
        address = {"space": space, "lang": language, "subject": uuid4().hex, **query}
        await self.page.goto(f"{self.url}/demo?{urlencode(address, doseq=True)}")
        return Panel(self.page)

    async def open(self, space: str = year.SPACE, **query: Any) -> Panel:
        """The same with the panel open, by its button or by the address."""
        panel = await self.visit(space, **query)
        if "uml" not in query:
            await panel.open()
        await expect(panel.lines.first).to_be_visible()
        await expect(self.page.locator("#filters")).to_be_attached()
        await panel.settled()
        return panel

    async def resize(self, width: int, height: int) -> None:
        """Give the window that size; the page has it on return."""
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.wait_for_function(
            "([width, height]) => innerWidth === width && innerHeight === height", arg=[width, height]
        )

    async def record(self, *events: Event) -> None:
        """Let the worker store *events* now."""
        add_events(self.store, events)


@pytest.fixture(scope="session")
async def year_served() -> AsyncIterator[tuple[str, InMemoryLogReader]]:
    """The address of a server, and the log behind it."""
    store = store_of(year.events())
    async with served(store) as url:
        yield url, store


@pytest.fixture(scope="session")
async def hand(chromium: Browser, year_served: tuple[str, InMemoryLogReader]) -> AsyncIterator[Hand]:
    """One page for all tests; an error in any script of it fails the last."""
    page, failures = await page_of(chromium, locale="en-GB")
    yield Hand(page, *year_served)
    await page.context.close()
    assert failures == []


async def page_of(chromium: Browser, *, script: str = "", **options: Any) -> tuple[Page, list[str]]:
    """A page at the time of the log, and the errors of its scripts."""
    context = await chromium.new_context(timezone_id=ZONE, reduced_motion="reduce", **options)
    context.set_default_timeout(DEADLINE_SECONDS * 1000)
    page, failures = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: failures.append(str(error)))
    await page.clock.set_fixed_time(NOW)
    if script:
        await page.add_init_script(script)
    return page, failures


_STANDS_STILL = """async (element) => {
  const place = () => element.getBoundingClientRect().toJSON();
  const frame = () => new Promise(requestAnimationFrame);
  for (let before = null, now = place(); ; [before, now] = [now, place()]) {
    if (!element.isConnected) throw new Error('It was taken away: a click would hit the corner of the page.');
    if (JSON.stringify(before) === JSON.stringify(now)) return now;
    await frame();
  }
}"""


async def press(target: Locator) -> None:
    """Click where *target* is seen, once it stands still."""
    await expect(target).to_be_in_viewport(ratio=1)
    box = await target.evaluate(_STANDS_STILL)
    await target.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def lists_asked(panel: Panel) -> list[dict[str, list[str]]]:
    """Each first page that the API is asked for from now on, but for polls, which may come at any time; it grows."""
    found: list[dict[str, list[str]]] = []

    def note(request: Request) -> None:
        address = urlsplit(request.url)
        query = parse_qs(address.query)
        is_poll = "if-none-match" in request.headers
        if address.path == "/v1/activities" and "cursor" not in query and not is_poll:
            found.append(query)

    panel.page.on("request", note)
    return found


def problem(
    status: int, *, retry_after: int | None = None, request_id: str = "req-test-1234"
) -> Callable[[Route], Awaitable[None]]:
    """Answers every request with a problem document."""
    headers = {"Content-Type": "application/problem+json"} | (
        {} if retry_after is None else {"Retry-After": str(retry_after)}
    )

    async def answer(route: Route) -> None:
        await route.fulfill(status=status, headers=headers, json={"status": status, "request_id": request_id})

    return answer
