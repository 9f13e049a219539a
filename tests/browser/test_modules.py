"""The panel's pure modules, run where they run: in the browser."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page

from query_api.panel.serve import PREFIX, static_directory, version_of
from query_api.panel.steps import modules_by_step
from tests.browser.conftest import DEADLINE_SECONDS, ZONE

DECLARED = r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)"


@pytest.fixture(scope="module")
async def page(chromium: Browser, api_url: str) -> AsyncIterator[Page]:
    """A page that may import the panel's modules. One for all tests: a pure module keeps nothing."""
    context = await chromium.new_context(locale="en-GB", timezone_id=ZONE)
    opened = await context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    await opened.goto(f"{api_url}/demo")
    yield opened
    await context.close()
    assert failures == []


def sources() -> dict[str, str]:
    paths = static_directory().rglob("*.js")
    return {path.relative_to(static_directory()).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def address_of(module: str) -> str:
    """Where the file is that *module* is part of."""
    steps = modules_by_step(sources()).items()
    file = next((step for step, modules in steps if module in modules), module)
    return f"{PREFIX}/{version_of(static_directory())}/{file}"


async def run(page: Page, module: str, code: str, *arguments: Any) -> Any:
    """What *code*, a function of the module and the arguments, gives."""
    address = address_of(module)
    script = f"async (arguments_) => ({code})(await import({json.dumps(address)}), ...arguments_)"
    async with asyncio.timeout(DEADLINE_SECONDS):
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


@pytest.mark.parametrize(
    ("minute", "expected"),
    [
        ("2026-11-24T14:05", "2026-11-24T13:05:00.000Z"),
        # The clocks skip it: it is as much later.
        ("2026-03-29T02:30", "2026-03-29T01:30:00.000Z"),
        # It comes twice: the first.
        ("2026-10-25T02:30", "2026-10-25T00:30:00.000Z"),
    ],
)
async def test_a_minute_is_when_the_clocks_of_its_zone_show_it(page: Page, minute: str, expected: str) -> None:
    code = "(time, minute, zone) => time.instantOf(minute, zone).toISOString()"
    assert await run(page, "time.js", code, minute, "Europe/Paris") == expected


async def test_every_language_has_every_text_and_every_value_in_it(page: Page) -> None:
    for part in ("", "-rest"):
        english, french = [
            await run(page, f"locales/{name}{part}.js", "(texts) => texts.default") for name in ("en", "fr")
        ]
        assert english.keys() == french.keys()
        for key, text in english.items():
            forms, other = json.dumps(text), json.dumps(french[key])
            assert set(_values(forms)) == set(_values(other)), key
            assert isinstance(text, dict) == isinstance(french[key], dict), key


def _values(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:] if "}" in part and '"' not in part.split("}")[0]]


def test_every_text_is_used() -> None:
    directory = static_directory()
    keys = [*keys_of("en.js"), *keys_of("en-rest.js")]
    code = "".join(path.read_text(encoding="utf-8") for path in directory.glob("*.js"))
    # Families whose last part is a value: an activity, a channel, a kind of error.
    families = (
        "activity.",
        "channel.",
        "column.",
        "change.",
        "empty.",
        "error.",
        "export.",
        "filter.",
        "import.",
        "range.",
    )
    assert [key for key in keys if f"'{key}'" not in code and not key.startswith(families)] == []


def keys_of(name: str) -> list[str]:
    lines = (static_directory() / "locales" / name).read_text(encoding="utf-8").splitlines()
    return [line.split("'")[1] for line in lines if line.startswith("  '")]


def test_the_first_lines_need_no_text_that_comes_behind_them() -> None:
    code = "".join(sources()[module] for module in modules_by_step(sources())["log.js"])
    assert [key for key in keys_of("en-rest.js") if f"'{key}'" in code] == []


async def test_no_module_hides_a_name_of_the_browser_from_those_that_are_joined_with_it(page: Page) -> None:
    names = {name for code in sources().values() for name in re.findall(DECLARED, code, re.MULTILINE)}
    assert len(names) > 100
    hidden = await page.evaluate("(names) => names.filter((name) => name in window)", sorted(names))
    # Chromium's own `Translator` is what no module uses.
    assert hidden == ["Translator"]


async def test_the_language_is_that_of_the_place(page: Page) -> None:
    code = """(element) => {
      const outer = Object.assign(document.createElement('div'), { lang: 'fr-CA' });
      const inner = outer.appendChild(document.createElement('div')).attachShadow({ mode: 'open' });
      const place = inner.appendChild(document.createElement('p'));
      const nowhere = document.createElement('p');
      return [element.languageOf(place), element.languageOf(nowhere), element.languageFor('fr-CA')];
    }"""
    assert await run(page, "user-management-log.js", code) == ["fr-CA", "en", "fr"]


async def test_the_way_to_write_dates_is_that_of_the_reader(page: Page) -> None:
    code = """async (i18n) => {
      await i18n.loadLanguage('en', false);
      return ['en', 'en-US', 'de', 'no tag'].map((tag) => new i18n.Translator('en', tag, 'UTC').locale);
    }"""
    # The browser of the tests reads en-GB.
    assert await run(page, "i18n.js", code) == ["en-GB", "en-US", "en-GB", "en-GB"]


async def test_what_a_link_says_is_checked_and_read_back_as_it_was_written(page: Page) -> None:
    ref = "5b7c0000-0000-4000-8000-000000000001"
    dates = "uml.range=custom&uml.from=2026-11-31&uml.to=2026-11-30"
    query = f"?keep=1&uml=1&uml.user=ref&uml.user={ref}&uml.user=deleted&{dates}"
    filters = (await run(page, "url-sync.js", "(url, query) => url.readUrl(query)", query))["filters"]
    assert (filters["affectedUsers"], filters["from"], filters["to"]) == ([ref, "deleted"], "", "2026-11-30")
    minutes = "?uml=1&uml.range=custom&uml.from=2026-11-30T24:00&uml.to=2026-11-30T23:59"
    read = (await run(page, "url-sync.js", "(url, query) => url.readUrl(query)", minutes))["filters"]
    assert (read["from"], read["to"]) == ("", "2026-11-30T23:59")
    endless = "?uml=1&uml.range=custom&uml.from=2026-11-30&uml.to=9999-12-31"
    read = (await run(page, "url-sync.js", "(url, query) => url.readUrl(query)", endless))["filters"]
    assert (read["range"], read["to"]) == ("custom", "9999-12-31")
    code = "(url, filters) => url.writeUrl('https://host.example/users?keep=1#part', filters)"
    written = await run(page, "url-sync.js", code, filters)
    assert written.startswith("https://host.example/users?keep=1&uml=1")
    assert written.endswith("#part")
    again = await run(page, "url-sync.js", "(url, query) => url.readUrl(query).filters", "?" + urlsplit(written).query)
    assert again == filters
    assert await run(page, "url-sync.js", code, None) == "https://host.example/users?keep=1#part"


A_LOG = """
  const { ApiError } = await import(api_address);
  const sleep = () => new Promise((done) => setTimeout(done));
  const log = {
    lines: [], pages: [], sent: 0, isDown: false, countHeld: null, day: 1,
    add(count, type, day, apart = 1000) {
      const end = Date.parse(`${day}T01:00:00Z`);
      const at = (number) => new Date(end - apart * number).toISOString().replace('Z', '000Z');
      const added = Array.from({ length: count }, (_, number) => (
        { event_id: `${type} ${day} ${number}`, activity_type: type, occurred_at: at(number), affected_user: 'Lea Ver' }
      ));
      const newer = (a, b) => (a.occurred_at < b.occurred_at) - (a.occurred_at > b.occurred_at);
      log.lines = [...added, ...log.lines].sort(newer);
    },
    erase(number) {
      log.lines[number] = { ...log.lines[number], affected_user: 'Deleted User' };
    },
    async answer(signal) {
      await sleep();
      if (signal.aborted) throw new DOMException('superseded', 'AbortError');
      if (log.isDown) throw new ApiError('unavailable', { status: 503 });
    },
    page: (query, options) => log.pageSince('', query, options),
    async pageSince(etag, query, { limit, cursor, signal }) {
      log.pages.push([query.get('activity_type'), cursor ?? '', limit]);
      await log.answer(signal);
      const [type, to] = [query.get('activity_type'), query.get('to')];
      const all = log.lines.filter((line) => (!type || line.activity_type === type) && (!to || line.occurred_at < to));
      const [day, asked, last] = JSON.parse(cursor || '[]');
      if (cursor && (day !== log.day || asked !== `${query}`)) throw new ApiError('invalid', { status: 400 });
      const start = cursor ? all.findIndex((line) => line.event_id === last) + 1 : 0;
      const data = all.slice(start, start + limit);
      const next = JSON.stringify([log.day, `${query}`, data.at(-1)?.event_id]);
      const next_cursor = start + limit < all.length ? next : null;
      const tag = JSON.stringify([data, next_cursor]);
      if (tag === etag) return null;
      log.sent += 1;
      return { etag: tag, data, page: { next_cursor }, meta: {} };
    },
    async stats(query, zone, signal) {
      await log.countHeld;
      await log.answer(signal);
      return { total: query.get('activity_type'), buckets: [] };
    },
  };
  const list = new module.ActivityList(() => log, () => {});
  const of = (type) => new URLSearchParams(type ? { activity_type: type } : {});
  const name_at = (number) => list.lines.at(number).affected_user;
"""


async def with_list(page: Page, code: str) -> Any:
    """What *code* gives, which may use a list and the log that it shows."""
    script = f"async (module, api_address) => {{ {A_LOG} {code} }}"
    return await run(page, "activity-list.js", script, address_of("api.js"))


async def test_lines_of_two_questions_never_stand_together(page: Page) -> None:
    code = """
      log.add(60, 'old', '2026-11-24');
      log.add(3, 'new', '2026-11-23');
      await list.load(of('old'), 'UTC');
      const loading = list.load(of('new'), 'UTC');
      const first = await list.loadMore();
      await loading;
      const told = [list.isSettled, list.lines.length, first, log.pages.length];
      await list.load(of('old'), 'UTC');
      log.isDown = true;
      await list.load(of('new'), 'UTC');
      told.push(list.isSettled, list.error.kind, list.lines.length, await list.loadMore());
      await list.poll();
      told.push(list.error.kind, list.lines.length);
      log.isDown = false;
      const isSame = await list.poll();
      return [...told, isSame, list.isSettled, list.error, list.lines.length, list.cursor, list.stats.total];
    """
    assert await with_list(page, code) == [
        *(True, 3, "", 2),
        *(False, "unavailable", 50, ""),
        *("unavailable", 50),
        *(False, True, None, 3, None, "new"),
    ]


async def test_every_line_that_is_shown_is_read_again_at_each_poll(page: Page) -> None:
    """A thousand lines, and as many that are new above them or late between them, cost a few questions."""
    code = """
      log.add(1100, 'old', '2026-11-24');
      await list.load(of(), 'UTC');
      for (let count = 1; count < 20; count += 1) await list.loadMore();
      const told = [list.lines.length, list.canLoadMore];
      const poll = async () => {
        [log.pages, log.sent] = [[], 0];
        return [await list.poll(), log.pages.length, log.sent];
      };
      log.erase(999);
      told.push(await poll(), name_at(999), await poll());
      log.add(700, 'new', '2026-11-25');
      log.erase(700 + 520);
      told.push(await poll(), name_at(520), list.newCount, list.newCountIsExact, await poll());
      log.lines = log.lines.filter((line) => !line.event_id.endsWith(' 998'));
      told.push(await poll(), list.lines.length);
      log.add(1100, 'late', '2026-11-24');
      log.add(1100, 'later', '2026-11-24');
      return [...told, await poll(), list.lines.length, list.newCount, list.lines[0].event_id];
    """
    assert await with_list(page, code) == [
        *(1000, False),
        *([True, 3, 2], "Deleted User", [True, 3, 0]),
        # Of what is shown only the part that changed is sent, and the top.
        *([True, 3, 2], "Deleted User", 50, False, [True, 3, 0]),
        *([True, 3, 1], 999),
        # So much came late that the first page is shown anew.
        *([False, 6, 5], 50, 0, "new 2026-11-25 0"),
    ]


async def test_new_lines_do_not_push_those_that_are_shown_out_of_sight_of_a_poll(page: Page) -> None:
    code = """
      log.add(60, 'old', '2026-11-24');
      await list.load(of(), 'UTC');
      log.add(2, 'new', '2026-11-25');
      await list.poll();
      log.erase(2 + 49);
      await list.poll();
      return [name_at(49), list.lines.length, list.newCount];
    """
    assert await with_list(page, code) == ["Deleted User", 50, 2]


async def test_more_lines_come_after_the_cursor_has_had_its_day(page: Page) -> None:
    code = """
      log.add(120, 'old', '2026-11-24');
      await list.load(of(), 'UTC');
      log.day = 2;
      log.pages = [];
      const told = [await list.loadMore(), list.error, list.lines.length];
      // From then on it goes by cursors again.
      told.push(await list.loadMore(), list.lines.length, list.canLoadMore, log.pages.length);
      const shown = new Set(list.lines.map((line) => line.event_id));
      return [...told, shown.size, await list.poll(), list.error];
    """
    assert await with_list(page, code) == [
        *("old 2026-11-24 50", None, 99),
        *("old 2026-11-24 99", 120, False, 3),
        *(120, True, None),
    ]


async def test_more_lines_come_though_all_that_are_shown_are_of_one_moment(page: Page) -> None:
    code = """
      log.add(300, 'import', '2026-11-24', 0);
      await list.load(of(), 'UTC');
      while (list.lines.length < 200) await list.loadMore();
      log.day = 2;
      const told = [await list.loadMore(), list.error, list.lines.length];
      while (list.canLoadMore) await list.loadMore();
      return [...told, list.lines.length, new Set(list.lines.map((line) => line.event_id)).size];
    """
    assert await with_list(page, code) == ["import 2026-11-24 200", None, 250, 300, 300]


async def test_no_line_is_passed_over_where_the_list_was_full_and_has_room_again(page: Page) -> None:
    code = """
      log.add(1100, 'old', '2026-11-24');
      await list.load(of(), 'UTC');
      while (list.lines.length < 950) await list.loadMore();
      const gone = (name) => { log.lines = log.lines.filter((line) => !line.event_id.endsWith(name)); };
      gone(' 7');
      await list.poll();
      await list.loadMore();
      await list.loadMore();
      const told = [list.lines.length, list.canLoadMore];
      gone(' 8');
      await list.poll();
      await list.loadMore();
      const shown = list.lines.map((line) => line.event_id);
      return [...told, list.lines.length, shown.every((id, place) => id === log.lines[place].event_id)];
    """
    assert await with_list(page, code) == [1000, False, 1000, True]


async def test_a_count_that_more_lines_overtake_is_that_of_the_present_filters(page: Page) -> None:
    code = """
      log.add(60, 'old', '2026-11-24');
      log.add(60, 'new', '2026-11-25');
      await list.load(of('old'), 'UTC');
      let release;
      log.countHeld = new Promise((done) => { release = done; });
      const loading = list.load(of('new'), 'UTC');
      while (list.phase !== 'ready' || list.lines[0].activity_type !== 'new') await sleep();
      await list.loadMore();
      release();
      await loading;
      await list.poll();
      return [list.lines.length, list.stats.total, list.isCounting];
    """
    assert await with_list(page, code) == [60, "new", False]


async def test_a_token_of_a_way_that_was_replaced_is_used_for_nothing(page: Page) -> None:
    code = """async ({ TokenSource }) => {
      const jwt = (name) => `h.${btoa(JSON.stringify({ exp: Date.now() / 1000 + 600, name }))}.s`;
      const nameOf = (token) => JSON.parse(atob(token.split('.')[1])).name;
      const told = [];
      for (const end of ['give', 'fail']) {
        const tokens = new TokenSource();
        const ends = {};
        tokens.getToken = () => new Promise((give, fail) => Object.assign(ends, { give, fail }));
        const early = tokens.get();
        tokens.getToken = async () => jwt('new');
        const between = await tokens.get();
        ends[end](jwt('old'));
        told.push(...[between, await early, await tokens.get()].map(nameOf));
      }
      return told;
    }"""
    assert await run(page, "tokens.js", code) == ["new"] * 6
