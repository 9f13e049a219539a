"""Ends with 0 while the worker or the query API in this container says that it is alive, else with 1."""

import os
import sys
import urllib.request

SECONDS = 4


def is_alive(url: str) -> bool:
    """Whether *url* is answered with success."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS):  # noqa: S310 - an http address of this container
            return True
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(not is_alive(f"http://127.0.0.1:{os.environ.get('AUDIT_WORKER_HTTP_PORT', '8080')}/healthz"))
