"""Everybody can use it: no violation that axe-core knows, by keyboard alone, small, magnified, without motion."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import OpenPanel, Panel, problem

AXE = (Path(__file__).with_name("vendor") / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOG = "**/v1/activities?*"
STILL = {"bypass_csp": True, "reduced_motion": "reduce"}
"""How axe-core looks: colors in motion have another contrast."""


async def violations(panel: Panel) -> list[str]:
    """What axe-core objects to, in words."""
    if not await panel.page.evaluate("() => 'axe' in window"):
        await panel.page.evaluate(AXE)
    found: list[dict[str, Any]] = await panel.page.evaluate(
        "async (tags) => (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations", RULES
    )
    return [f"{one['id']}: {node['target']} {node['failureSummary']}" for one in found for node in one["nodes"]]


@pytest.mark.parametrize(("theme", "language"), [("light", "en"), ("dark", "fr")])
async def test_axe_finds_nothing_in_any_state(
    open_page: OpenPanel, small_space: str, theme: str, language: str
) -> None:
    panel = await open_page(small_space, theme=theme, language=language, **STILL)
    assert await violations(panel) == [], "closed"
    await panel.open()
    assert await violations(panel) == [], "table"
    await panel.lines.nth(1).get_by_role("button").click()
    await panel.page.locator("#export").click()
    assert await violations(panel) == [], "details and export"
    await panel.page.locator("#export").click()
    await panel.page.locator("#views").click()
    await panel.page.locator("#save-view").click()
    assert await violations(panel) == [], "views"
    await panel.page.locator("#views").click()
    await panel.page.locator("#period").select_option("custom")
    await panel.dialog.get_by_role("checkbox").first.check()
    await panel.page.locator("#affectedUsers").click()
    await panel.page.locator("#affectedUsers").press("ArrowDown")
    await expect(panel.suggestions.first).to_be_visible()
    assert await violations(panel) == [], "filters, chips and suggestions"
    await panel.page.locator("#affectedUsers").press("Escape")
    await panel.page.locator("#from").fill("2026-11-02")
    await panel.page.locator("#to").fill("2026-11-01")
    assert await violations(panel) == [], "impossible dates"
    await panel.page.route(LOG, problem(503))
    await panel.page.locator("#period").select_option("90d")
    await expect(panel.dialog.get_by_role("alert")).to_be_visible()
    assert await violations(panel) == [], "error above lines"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_states_without_lines_or_on_a_small_screen(open_page: OpenPanel, theme: str) -> None:
    async def refuse(page: Page) -> None:
        await page.route(LOG, problem(429, retry_after=9))

    panel = await open_page("empty-space", theme=theme, prepare=refuse, width=360, **STILL)
    # No poll takes the button away before it is pressed.
    await panel.attribute("poll-seconds", "600")
    await panel.button.click()
    await expect(panel.dialog.get_by_role("alert")).to_be_visible()
    assert await violations(panel) == [], "error"
    await panel.page.unroute(LOG)
    await panel.named("Try again").click()
    await expect(panel.dialog.locator(".state h3")).to_have_text("Nothing in this period")
    assert await violations(panel) == [], "empty"

    async def never(_: Route) -> None:
        return

    await panel.page.route(LOG, never)
    await panel.named("Filters").click()
    await panel.select("Period").select_option("90d")
    assert await violations(panel) == [], "loading"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_while_the_next_answer_is_awaited(
    open_page: OpenPanel, small_space: str, theme: str
) -> None:
    async def never(_: Route) -> None:
        return

    panel = await open_page(small_space, theme=theme, **STILL)
    await panel.open()
    await expect(panel.dialog.locator(".count").first).to_be_visible()
    await panel.page.route("**/v1/activities**", never)
    await panel.dialog.get_by_role("checkbox").first.check()
    await expect(panel.dialog.locator(".frame[aria-busy=true] table")).to_be_visible()
    await expect(panel.dialog.locator(".sets[data-stale] .count").first).to_be_attached()
    assert await violations(panel) == []


async def test_axe_finds_nothing_in_cards(open_page: OpenPanel, small_space: str) -> None:
    panel = await open_page(small_space, width=320, height=700, **STILL)
    await panel.open()
    await panel.lines.first.get_by_role("button").click()
    assert await violations(panel) == []


async def test_everything_can_be_done_by_keyboard(open_page: OpenPanel) -> None:
    panel = await open_page()
    page = panel.page
    keyboard = page.keyboard
    await panel.button.focus()
    await keyboard.press("Enter")
    await expect(panel.named("User management log", "heading")).to_be_focused()
    await expect(panel.named("Export")).to_be_visible()
    await keyboard.press("Tab")
    await expect(page.locator("#views")).to_be_focused()
    await keyboard.press("Tab")
    await expect(panel.named("Export")).to_be_focused()
    await keyboard.press("Enter")
    await expect(panel.dialog.locator(".menu")).to_be_visible()
    await keyboard.press("Escape")
    await expect(panel.dialog.locator(".menu")).to_be_hidden()
    await expect(panel.dialog).to_be_visible()
    await keyboard.press("Tab")
    await keyboard.press("Tab")
    box = panel.select("Affected user")
    await expect(box).to_be_focused()
    await keyboard.type("ada")
    await expect(panel.suggestions).to_have_count(1)
    await keyboard.press("ArrowDown")
    await expect(box).to_have_attribute("aria-activedescendant", "affectedUsers-0")
    await keyboard.press("Enter")
    await expect(panel.chips).to_have_count(2)
    await keyboard.press("Escape")
    await expect(panel.suggestions).to_have_count(0)
    await expect(panel.dialog.locator(".options").first).to_be_hidden()
    await expect(panel.dialog).to_be_visible()
    for _ in range(4):
        await keyboard.press("Tab")
    await expect(panel.choice("User created")).to_be_focused()
    await keyboard.press("Space")
    await expect(panel.chips).to_have_count(3)
    for _ in range(8):
        await keyboard.press("Tab")
    focused = "() => document.activeElement.shadowRoot.activeElement.getAttribute('aria-label')"
    assert (await page.evaluate(focused)).startswith("Remove filter")
    await keyboard.press("Escape")
    await expect(panel.dialog).to_be_hidden()
    await expect(panel.button).to_be_focused()


async def test_the_focus_stays_in_the_drawer_and_is_never_hidden(panel: Panel) -> None:
    for _ in range(40):
        await panel.page.keyboard.press("Tab")
        hidden = await panel.element.evaluate(
            """(element) => {
              const focused = element.shadowRoot.activeElement;
              if (!focused) return document.activeElement === document.body ? '' : 'the focus left the drawer';
              const { left, top, width, height } = focused.getBoundingClientRect();
              const seen = element.shadowRoot.elementFromPoint(left + width / 2, top + height / 2);
              return focused.contains(seen) || seen?.contains(focused) ? '' : `${focused.id} is covered`;
            }"""
        )
        assert hidden == ""


async def test_the_heads_of_the_columns_stay_in_view_together(panel: Panel) -> None:
    await panel.lines.nth(30).scroll_into_view_if_needed()
    tops = await panel.dialog.locator("thead th").evaluate_all(
        "(heads) => heads.map((head) => head.getBoundingClientRect().top)"
    )
    summary = await panel.page.locator(".summary").bounding_box()
    assert summary
    assert {round(top) for top in tops} == {round(summary["y"] + summary["height"])}


async def test_targets_are_large_enough(panel: Panel) -> None:
    await panel.choice("License changed").check()
    small = await panel.element.evaluate(
        """(element) => [...element.shadowRoot.querySelectorAll('dialog button, dialog select, label')]
          .map((target) => [target.className, target.getBoundingClientRect()])
          .filter(([name, { width, height }]) => width && (width < 24 || (height < 24 && name === 'chip')))
          .map(([name]) => name)"""
    )
    assert small == []


@pytest.mark.parametrize(("width", "height", "scale"), [(320, 640, 1), (640, 400, 2)])
async def test_nothing_scrolls_sideways_when_small_or_at_200_percent(
    open_page: OpenPanel, width: int, height: int, scale: int
) -> None:
    panel = await open_page(width=width, height=height, device_scale_factor=scale)
    await panel.open()
    await panel.lines.first.get_by_role("button").click()
    overflow = await panel.element.evaluate(
        """(element) => ['.scroll', 'dialog', 'header'].map((name) => element.shadowRoot.querySelector(name))
          .filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.className || part.localName)"""
    )
    assert overflow == []
    await panel.dialog.get_by_text("Load 50 more").scroll_into_view_if_needed()
    await expect(panel.dialog.get_by_text("Load 50 more")).to_be_in_viewport()


async def test_nothing_moves_for_those_who_asked_for_that(open_page: OpenPanel) -> None:
    panel = await open_page(reduced_motion="reduce")
    await panel.open()
    assert await panel.element.evaluate("(element) => element.shadowRoot.getAnimations?.().length ?? 0") == 0
    duration = "(dialog) => getComputedStyle(dialog).animationName"
    assert await panel.dialog.evaluate(duration) == "none"


async def test_it_works_with_forced_colors(open_page: OpenPanel) -> None:
    panel = await open_page(forced_colors="active")
    await panel.open()
    await panel.choice("License changed").check()
    style = await panel.chips.first.evaluate("(chip) => getComputedStyle(chip).borderStyle")
    assert style == "solid"


async def test_changes_are_told_to_screen_readers(panel: Panel) -> None:
    await expect(panel.status).to_have_role("status")
    await expect(panel.status).to_have_text("120 activities, 50 shown")
    await panel.choice("Admin rights changed").check()
    await expect(panel.status).to_have_text("17 activities")
    await expect(panel.dialog.get_by_role("table")).to_have_accessible_name("Activities, newest first")
    name = re.compile("^Show details of Admin rights changed, .+, .+")
    await expect(panel.lines.first.get_by_role("button")).to_have_accessible_name(name)
