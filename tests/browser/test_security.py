"""Nothing leaks, nothing runs that should not, and no name can pass for another."""

import re
from functools import partial
from uuid import uuid4

import httpx
from playwright.async_api import expect

from tests.browser.conftest import DEADLINE_SECONDS, OpenPanel, Panel

get = partial(httpx.get, timeout=DEADLINE_SECONDS)


async def test_the_strict_policy_of_the_page_is_never_violated(open_page: OpenPanel, api_url: str) -> None:
    before = len(get(f"{api_url}/demo/csp-reports").json())
    panel = await open_page()
    violations: list[str] = []
    await panel.page.expose_function("violated", lambda directive: violations.append(directive))  # noqa: PLW0108 - a builtin cannot be exposed
    listen = "() => document.addEventListener('securitypolicyviolation', (event) => violated(event.violatedDirective))"
    await panel.page.evaluate(listen)
    await panel.open()
    await panel.lines.first.get_by_role("button").click()
    await panel.select("Affected user").fill("a")
    await expect(panel.suggestions.first).to_be_visible()
    await panel.select("Period").select_option("custom")
    await panel.named("Export").click()
    async with panel.page.expect_download():
        await panel.named("JSON Lines").click()
    await panel.page.locator("#language").evaluate(
        "(select) => { select.value = 'fr'; select.dispatchEvent(new Event('change')); }"
    )
    await expect(panel.named("Journal de gestion des utilisateurs", "heading")).to_be_visible()
    assert violations == []
    assert len(get(f"{api_url}/demo/csp-reports").json()) == before
    policy = get(f"{api_url}/demo").headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'" in policy
    assert "require-trusted-types-for 'script'; trusted-types lit-html" in policy


async def test_a_violation_would_have_been_reported(open_page: OpenPanel, api_url: str) -> None:
    before = len(get(f"{api_url}/demo/csp-reports").json())
    panel = await open_page()
    await panel.page.evaluate("() => { document.body.append(Object.assign(new Image(), { src: '/x.png' })); }")
    await panel.page.wait_for_function(
        "async (before) => (await (await fetch('/demo/csp-reports')).json()).length > before", arg=before
    )


async def test_markup_in_a_name_is_text(panel: Panel) -> None:
    name = '<img src=x onerror="document.title=1">'
    await expect(panel.lines.filter(has_text=name).first).to_be_visible()
    assert await panel.dialog.locator("img").count() == 0
    assert await panel.page.title() == "Users · Acme · Client Space"


async def test_an_override_in_a_name_turns_nothing_but_itself(panel: Panel) -> None:
    """Each name is drawn inside its own box, and what follows it on the line stands where it would for any name."""
    line = panel.lines.filter(has_text="override@example.com").first
    user, admin = line.locator("td").nth(3), line.locator("td").nth(4)
    user_box, admin_box = await user.bounding_box(), await admin.bounding_box()
    name_box = await user.locator("bdi").first.bounding_box()
    assert user_box
    assert admin_box
    assert name_box
    assert user_box["x"] <= name_box["x"]
    assert name_box["x"] + name_box["width"] <= admin_box["x"]
    label = await line.get_by_role("button").get_attribute("aria-label") or ""
    assert "\u202e" not in label
    assert "\u2068Eve repoH ecarG\u2069" in label
    await line.get_by_role("button").click()
    raw = await panel.dialog.locator("pre").inner_text()
    assert "\u202e" not in raw
    assert "Eve \\u202erepoH ecarG" in raw
    drawn = await panel.dialog.locator("bdi").evaluate_all(
        "(names) => names.map((name) => getComputedStyle(name).unicodeBidi)"
    )
    assert set(drawn) == {"isolate"}


async def test_a_right_to_left_name_keeps_its_place_in_a_chip(panel: Panel) -> None:
    await panel.select("Affected user").fill("יעל")
    await panel.suggestions.first.click()
    chip = panel.chips.nth(1)
    await expect(chip).to_have_text("Affected user: יעל כהן", use_inner_text=True)
    name, close = await chip.locator("bdi").bounding_box(), await chip.get_by_role("button").bounding_box()
    assert name
    assert close
    assert name["x"] + name["width"] <= close["x"] + 8


async def test_the_token_is_in_no_address_attribute_or_storage(panel: Panel) -> None:
    await panel.choice("License changed").check()
    token = await panel.element.evaluate("async (element) => element.getToken({ force: false })")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+", token)
    kept = await panel.page.evaluate(
        "() => JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    everything = kept + await panel.element.evaluate("(element) => element.outerHTML + element.shadowRoot.innerHTML")
    assert "eyJ" not in everything


async def test_a_client_space_shows_only_its_own_log(open_page: OpenPanel) -> None:
    panel = await open_page(f"other-{uuid4().hex[:8]}")
    await panel.button.click()
    await expect(panel.dialog.locator(".state")).to_contain_text("Nothing in this period")
