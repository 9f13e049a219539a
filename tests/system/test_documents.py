"""Nothing documented without a test, nothing configurable without documentation."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from schemas.limits import MAX_LENGTHS
from schemas.topics import DEAD_LETTERS_TOPIC, EVENTS_TOPIC, TOPICS
from stream.settings import WorkerSettings

PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    "stream/README.md",
    "stream/erasure/README.md",
    "stream/erasure/OFF_BOARDING.md",
    "stream/rebuild/README.md",
]

DEAD_LETTERS = "tests/integration/test_dead_letter_replay.py"
SECURED_KAFKA = "tests/integration/test_secured_kafka.py"
ERASURE = "tests/integration/test_erasure.py"
OFF_BOARDING = "tests/integration/test_off_boarding.py"
REBUILD = "tests/integration/test_rebuild.py"
TESTED_BY = {
    "make demo": "tests/system/test_demo.py",
    "make test": ".ci/run",
    "make lint": ".ci/run",
    "python -m deploy.local up --detach --no-demo-data": "tests/system/test_demo.py",
    "python -m deploy.local status --json": "tests/system/test_demo.py",
    "python -m deploy.local down": "tests/system/test_demo.py",
    ".venv/bin/python -m pytest tests/unit": ".ci/run",
    ".venv/bin/python -m pytest tests/contract": ".ci/run",
    ".venv/bin/python -m pytest tests/integration": ".ci/run",
    ".venv/bin/python -m pytest tests/browser": ".ci/run",
    "make faults": "tests/faults/conftest.py",
    "make bench": "tests/benchmarks/ingest/race.py",
    "make bench-publish": "tests/benchmarks/publish.py",
    "make bench-read": "tests/benchmarks/read.py",
    ".venv/bin/python -m tests.benchmarks.panel": "tests/benchmarks/panel.py",
    "make screenshots": "tests/browser/test_screenshots.py",
    "audit-stream topics": "tests/integration/test_commands.py",
    "audit-stream migrate": "tests/integration/test_commands.py",
    "audit-stream worker": "tests/integration/test_commands.py",
    "audit-stream rights [--producer NAME] [--worker NAME] [--operator NAME] [--apply]": SECURED_KAFKA,
    "audit-stream dead-letters list [--reason R] [--max N] [--json]": DEAD_LETTERS,
    "audit-stream dead-letters show 2/4711 [--dump hex|raw]": DEAD_LETTERS,
    "audit-stream dead-letters replay [PLACE]... [--reason R] [--dry-run]": DEAD_LETTERS,
    "audit-stream erasure status --client-space acme [--person-file id.txt] [--json]": ERASURE,
    "audit-stream erasure run [--json]": ERASURE,
    "audit-stream erasure verify --client-space acme --person-file id.txt --names-file names.txt"
    " --directory /var/lib/clickhouse --directory /var/log/audit --json": ERASURE,
    "audit-stream erasure reapply": ERASURE,
    "audit-stream off-board --client-space acme": OFF_BOARDING,
    "audit-stream off-board --client-space acme --confirm 4711": OFF_BOARDING,
    "audit-stream off-board --client-space acme --confirm 0 --json": OFF_BOARDING,
    "audit-stream rebuild --into audit_rebuilt": REBUILD,
    "audit-stream rebuild --into audit_rebuilt --exchange": REBUILD,
    "audit-stream rebuild drop audit_replaced_20261128_081501": REBUILD,
}
"""Every command in a shell block of these pages, and what runs it: a test, or `make test` where it is a part of that;
for the long ones, the program that they start."""


def shell_commands(page: Path) -> set[str]:
    """The commands in the shell blocks of *page*, without their comments."""
    text = re.sub(r"\s*\\\n\s*", " ", page.read_text(encoding="utf-8"))
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return {line for line in lines if line}


def test_every_documented_command_is_run_by_a_test(repository: Path) -> None:
    documented = set().union(*(shell_commands(repository / page) for page in PAGES))
    assert documented == set(TESTED_BY)
    for file in TESTED_BY.values():
        assert (repository / file).is_file(), file


def test_the_readme_begins_with_one_sentence_and_the_two_commands(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    first_block = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert first_block is not None
    assert [line.split("#")[0].strip() for line in first_block[1].splitlines()] == ["make demo", "make test"]
    assert text[: first_block.start()].count(".") == 1


def test_the_readme_s_table_of_places_leads_somewhere(repository: Path) -> None:
    """One existing path for each question, and a heading of that name where it points at one."""
    text = (repository / "README.md").read_text(encoding="utf-8")
    table = re.split(r"^## ", text[text.index("## Where is what") + 3 :], flags=re.MULTILINE)[0]
    links = re.findall(r"^\|[^|]+\?[^|]*\| \[`[^`]+`\]\(([^)#]+)#?([^)]*)\) +\|$", table, re.MULTILINE)
    assert len(links) == table.count("?")
    for path, heading in links:
        page = repository / path
        assert page.is_file(), path
        if heading:
            headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {found.lower().replace(" ", "-") for found in headings}, heading


def test_every_link_of_a_page_leads_to_a_file(repository: Path) -> None:
    pages = [
        p for p in repository.rglob("*.md") if not {".venv", ".local", "vendor"} & set(p.relative_to(repository).parts)
    ]
    for page in pages:
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert "://" in target or (page.parent / target).exists(), f"{page}: {target}"


def test_the_index_lists_every_decision_with_its_date_and_status(repository: Path) -> None:
    folder = repository / "deploy" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    pages = sorted(page for page in folder.glob("0*.md"))
    assert sorted(re.findall(r"\]\((0[^)]+)\)", index)) == [page.name for page in pages]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert re.search(r"^Date: 20\d\d-\d\d-\d\d.* Status: ", text, re.MULTILINE), page.name


@pytest.mark.parametrize(("page", "settings"), [("stream/README.md", WorkerSettings)])
def test_every_setting_is_documented_with_its_default_and_meaning(
    repository: Path, page: str, settings: type[BaseSettings]
) -> None:
    text = (repository / page).read_text(encoding="utf-8")
    documented = {
        cells[0].strip().strip("`"): (cells[1].strip().strip("`"), cells[2].strip())
        for line in re.split(r"^## ", text[text.index("## Settings") + 3 :], flags=re.MULTILINE)[0].splitlines()
        if len(cells := line.strip("|").split("|")) == 3 and cells[0].strip().startswith("`")
    }
    expected = {}
    for field in settings.model_fields.values():
        default = "required" if field.is_required() else "none" if field.default is None else f"{field.default}"
        expected[str(field.alias)] = (default.removesuffix(".0"), str(field.description))
    assert documented == expected


def test_the_limits_page_states_the_limits(repository: Path) -> None:
    text = (repository / "schemas/README.md").read_text(encoding="utf-8")
    names = {
        "id": "admin.id",
        "license": "previous_license",
        "service": "source.service",
        "request_id": "source.request_id",
    }
    for limit, length in MAX_LENGTHS.items():
        row = next(
            line for line in text.splitlines() if f"`{names.get(limit, limit)}`" in line and line.startswith("|")
        )
        assert row.split("|")[2].strip() in {str(length), f"as `{limit}`"} or str(length) in row, limit


@pytest.mark.parametrize("page", ["README.md", "SECURITY.md", "stream/erasure/README.md"])
def test_how_long_names_stay_in_kafka_is_what_the_topics_are_set_to(repository: Path, page: str) -> None:
    """An event stays for its week and a segment's time; one that is refused at the end of it stays as long again."""
    settings = {topic.name: topic.config for topic in TOPICS}
    stays = [
        timedelta(milliseconds=int(settings[name]["retention.ms"]) + int(settings[name]["segment.ms"]))
        for name in (EVENTS_TOPIC, DEAD_LETTERS_TOPIC)
    ]
    text = (repository / page).read_text(encoding="utf-8")
    for stay in (stays[0], sum(stays, timedelta(0))):
        assert f"{stay.days} days and {stay.seconds // 3600} hours" in text


def test_version_and_changelog_agree(repository: Path) -> None:
    version = re.search(r'^version = "(.*)"', (repository / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    assert version is not None
    assert f"## [{version[1]}]" in changelog or "## [Unreleased]" in changelog


@pytest.mark.parametrize("pattern", [r"/home/\w+", r"/root/", r"index-url", r"https?://[\w.]*(pypi|npmjs|maven)\.\w+"])
def test_no_file_names_a_machine_s_path_or_a_package_registry(repository: Path, pattern: str) -> None:
    tracked = [*repository.glob("*.md"), *repository.glob("*.toml"), *repository.glob("requirements/*")]
    for folder in ("schemas", "producers", "stream", "query_api", "deploy", "tests"):
        tracked += [p for p in (repository / folder).rglob("*") if p.suffix in {".py", ".md", ".sql", ".avsc", ".lock"}]
    for file in tracked:
        if file.name == Path(__file__).name or "--no-emit-index-url" in pattern:
            continue
        text = file.read_text(encoding="utf-8").replace("--no-emit-index-url", "")
        assert not re.search(pattern, text), file
