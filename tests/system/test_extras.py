"""`audit-produce` where the wheel was installed without an extra."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
missing, *sys.argv[1:] = sys.argv[1:]
sys.modules[missing] = None  # as if it were not installed
from producers.commands.console import main
main()
"""


@pytest.mark.parametrize(
    ("missing", "command", "extra"),
    [
        ("typer", "relay", "cli"),
        ("python_calamine", "import", "cli"),
        ("sqlalchemy", "relay", "outbox"),
        ("uvicorn", "serve", "intake"),
    ],
)
def test_a_command_without_its_extra_names_it_in_one_line(missing: str, command: str, extra: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, missing, command], capture_output=True, text=True, check=False
    )
    said = f"audit-produce: {missing} is missing. Install the wheel with its extra `{extra}`.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
