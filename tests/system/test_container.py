"""The image's build steps, run without Docker: the Dockerfile's own commands, with /opt in a temporary directory."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.bootstrap import installer_environment

DOCKERFILE = Path("deploy/container/Dockerfile")
COMMANDS = ("audit-stream --help", "audit-query openapi", "audit-produce --help")


def instructions(repository: Path) -> list[list[tuple[str, str]]]:
    """The instructions of each stage of the Dockerfile, in order."""
    text = (repository / DOCKERFILE).read_text(encoding="utf-8")
    found = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)$", text, re.MULTILINE)
    begins = [place for place, (name, _) in enumerate(found) if name == "FROM"]
    return [found[begin:end] for begin, end in zip(begins, [*begins[1:], None], strict=True)]


@pytest.fixture(scope="module")
def image(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the first stage leaves in /opt."""
    root, context = tmp_path_factory.mktemp("image"), tmp_path_factory.mktemp("context")
    for name, text in instructions(repository)[0]:
        if name == "COPY":
            *sources, target = text.split()
            place = root / target.removeprefix("/") if target.startswith("/") else context / target
            for source in map(repository.joinpath, sources):
                if source.is_dir():
                    shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    into = place / source.name if target.endswith("/") else place
                    into.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(source, into)
        elif name == "RUN":
            command = text.replace("/opt/", f"{root}/opt/")
            command = re.sub(r"(?<!/)\bpython -m", f"{sys.executable} -m", command)
            subprocess.run(["sh", "-ec", command], cwd=context, env=installer_environment(), check=True)
    return root / "opt" / "audit"


def test_the_built_image_has_the_three_commands_and_what_they_need(image: Path) -> None:
    # Side by side: nothing is compiled yet, so each takes seconds.
    started = [
        subprocess.Popen([image / "bin" / program, *arguments], env={}, cwd=image, stdout=subprocess.DEVNULL)
        for program, *arguments in (command.split() for command in COMMANDS)
    ]
    assert [process.wait() for process in started] == [0] * len(COMMANDS)


def test_the_built_image_holds_no_test_and_no_deployment(image: Path) -> None:
    packages = next((image / "lib").glob("python*/site-packages"))
    assert not {"tests", "deploy", "pytest", "chdb"} & {path.name for path in packages.iterdir()}
    assert list(packages.glob("faust/_cython/*.so"))


def test_the_health_check_is_red_where_nothing_answers(image: Path) -> None:
    environment = {**os.environ, "AUDIT_WORKER_HTTP_PORT": "1"}
    check = [image / "bin" / "python", image / "healthcheck.py"]
    assert subprocess.run(check, env=environment, check=False).returncode == 1


def test_the_image_runs_as_nobody_in_particular_and_copies_nothing_but_the_environment(repository: Path) -> None:
    stages = instructions(repository)
    last = dict(stages[-1])
    assert last["USER"] == "10001:10001"
    assert last["COPY"] == "--from=build /opt/audit /opt/audit"
    assert "healthcheck.py" in last["HEALTHCHECK"]


def test_what_the_image_is_copied_from_is_in_its_context(repository: Path) -> None:
    ignored = (repository / "deploy/container/Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    for name, text in instructions(repository)[0]:
        for source in text.split()[:-1] if name == "COPY" else []:
            assert any(f"!{part}" in ignored for part in (source, source.split("/")[0])), source
