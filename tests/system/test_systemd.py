"""The units, as systemd itself reads them."""

import shutil
import subprocess
from pathlib import Path

import pytest

EXPOSURE = "20"
"""The most that `systemd-analyze security` may find, of 100; a unit without any hardening has 96."""


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
@pytest.mark.parametrize("unit", ["audit-worker@.service", "audit-query.service"])
def test_systemd_takes_the_unit_and_finds_it_hardened(repository: Path, tmp_path: Path, unit: str) -> None:
    text = (repository / "deploy/systemd" / unit).read_text(encoding="utf-8")
    file = tmp_path / unit.replace("@", "@1")
    # Programs and files are looked for where they are here.
    text = text.replace("/opt/audit/bin/", f"{repository}/.venv/bin/").replace("EnvironmentFile=", "EnvironmentFile=-")
    file.write_text(text, encoding="utf-8")
    commands = (["verify"], ["security", "--offline=true", f"--threshold={EXPOSURE}"])
    for command in commands:
        done = subprocess.run(["systemd-analyze", *command, file], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
