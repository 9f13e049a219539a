"""The failpoints fit the worker as it is now; its steps may be renamed without the type checker's notice."""

import subprocess
import sys

from deploy.local.layout import REPOSITORY

INSTALL = """
import argparse, random
from tests.faults.failpoint_worker import Failpoints, install, use_small_batches
use_small_batches(25)
install(Failpoints({}, raises=False, rng=random.Random()), argparse.Namespace(hold=None))
"""


def test_each_failpoint_finds_its_step() -> None:
    # In a process of its own: what is wrapped stays wrapped.
    done = subprocess.run([sys.executable, "-c", INSTALL], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
