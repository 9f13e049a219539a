"""The panel's pure modules, run where they run: in the browser."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page

from query_api.panel import PREFIX, static_directory, version_of
from tests.browser.conftest import OpenPanel


@pytest.fixture
async def page(open_page: OpenPanel) -> Page:
    """A page that may import the panel's modules."""
    return (await open_page()).page


async def run(page: Page, module: str, code: str, *arguments: Any) -> Any:
    """What *code*, a function of the module and the arguments, gives."""
    address = f"{PREFIX}/{version_of(static_directory())}/{module}"
    script = f"async (arguments_) => ({code})(await import({json.dumps(address)}), ...arguments_)"
    return await page.evaluate(script, list(arguments))


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        ("2026-11-24", "UTC", "2026-11-24T00:00:00.000Z"),
        ("2026-03-29", "Europe/Paris", "2026-03-28T23:00:00.000Z"),
        ("2026-03-30", "Europe/Paris", "2026-03-29T22:00:00.000Z"),
        ("2026-10-25", "Europe/Paris", "2026-10-24T22:00:00.000Z"),
        ("2026-10-26", "Europe/Paris", "2026-10-25T23:00:00.000Z"),
        # The clocks skip midnight: the day begins at one.
        ("2026-04-24", "Africa/Cairo", "2026-04-23T22:00:00.000Z"),
        # Midnight comes twice: the day begins with the first.
        ("2026-11-01", "America/Havana", "2026-11-01T04:00:00.000Z"),
        ("2026-07-01", "Asia/Kathmandu", "2026-06-30T18:15:00.000Z"),
        ("2026-07-01", "Pacific/Kiritimati", "2026-06-30T10:00:00.000Z"),
        ("2026-07-01", "Pacific/Marquesas", "2026-07-01T09:30:00.000Z"),
    ],
)
async def test_a_day_begins_when_its_zone_says_so(page: Page, day: str, zone: str, expected: str) -> None:
    code = "(time, day, zone) => time.startOfDay(day, zone).toISOString()"
    assert await run(page, "time.js", code, day, zone) == expected


async def test_every_language_has_every_text_and_every_value_in_it(page: Page) -> None:
    english, french = [await run(page, f"locales/{name}.js", "(texts) => texts.default") for name in ("en", "fr")]
    assert english.keys() == french.keys()
    for key, text in english.items():
        forms, other = json.dumps(text), json.dumps(french[key])
        assert set(_values(forms)) == set(_values(other)), key
        assert isinstance(text, dict) == isinstance(french[key], dict), key


def _values(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:] if "}" in part and '"' not in part.split("}")[0]]


def test_every_text_is_used() -> None:
    directory = static_directory()
    keys = [
        line.split("'")[1]
        for line in (directory / "locales" / "en.js").read_text(encoding="utf-8").splitlines()
        if line.startswith("  '")
    ]
    code = "".join(path.read_text(encoding="utf-8") for path in directory.glob("*.js"))
    # Families whose last part is a value: an activity, a channel, a kind of error.
    families = ("activity.", "channel.", "column.", "change.", "empty.", "error.", "export.", "filter.", "range.")
    assert [key for key in keys if f"'{key}'" not in code and not key.startswith(families)] == []


async def test_the_language_is_that_of_the_place_and_the_way_to_write_dates_that_of_the_reader(page: Page) -> None:
    code = """async (i18n) => {
      const outer = Object.assign(document.createElement('div'), { lang: 'fr-CA' });
      const inner = outer.appendChild(document.createElement('div')).attachShadow({ mode: 'open' });
      const place = inner.appendChild(document.createElement('p'));
      await i18n.loadLanguage('en');
      const locales = ['en', 'en-US', 'de', 'no tag'].map((tag) => new i18n.Translator(tag, 'UTC').locale);
      const nowhere = document.createElement('p');
      return [i18n.languageOf(place), i18n.languageOf(nowhere), i18n.languageFor('fr-CA'), ...locales];
    }"""
    # The browser of the tests reads en-GB.
    assert await run(page, "i18n.js", code) == ["fr-CA", "en", "fr", "en-GB", "en-US", "en-GB", "en-GB"]


async def test_what_a_link_says_is_checked_and_read_back_as_it_was_written(page: Page) -> None:
    ref = "5b7c0000-0000-4000-8000-000000000001"
    dates = "uml.range=custom&uml.from=2026-11-31&uml.to=2026-11-30"
    query = f"?keep=1&uml=1&uml.user=ref&uml.user={ref}&uml.user=deleted&{dates}"
    filters = (await run(page, "url-sync.js", "(url, query) => url.readUrl(query)", query))["filters"]
    assert (filters["affectedUsers"], filters["from"], filters["to"]) == ([ref, "deleted"], "", "2026-11-30")
    code = "(url, filters) => url.writeUrl('https://host.example/users?keep=1#part', filters)"
    written = await run(page, "url-sync.js", code, filters)
    assert written.startswith("https://host.example/users?keep=1&uml=1")
    assert written.endswith("#part")
    again = await run(page, "url-sync.js", "(url, query) => url.readUrl(query).filters", "?" + urlsplit(written).query)
    assert again == filters
    assert await run(page, "url-sync.js", code, None) == "https://host.example/users?keep=1#part"
