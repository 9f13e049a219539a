"""Make the secrets of `compose.yaml`: `python3 deploy/container/make_secrets.py`. It needs Python alone.

Everything is random; nothing that is there is changed. Copy the directory to a safe place before the first event:
without `pseudonymization_key` the log's refs lead nowhere.
"""

import base64
import hashlib
import secrets
import sys
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parent / "secrets"
ACCOUNTS = ("migrator", "worker", "api")
"""The accounts of `deploy/clickhouse/users.d/audit.xml`."""
_KEY_BYTES = 32
_CONTAINER_READS = 0o444
"""The containers' user is another one than the owner; the directory is closed to everybody else."""


def make(directory: Path) -> list[str]:
    """Write what is missing in *directory*, and return the names of what was written."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    wanted = {
        "pseudonymization_key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),
        "cursor_key": base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode(),
        "grafana_password": secrets.token_urlsafe(_KEY_BYTES),
        **_clickhouse(directory),
    }
    written = [name for name in wanted if not (directory / name).exists()]
    for name in written:
        path = directory / name
        path.touch(mode=0o600)
        path.write_text(wanted[name], encoding="ascii")
        path.chmod(_CONTAINER_READS)
    return written


def _clickhouse(directory: Path) -> dict[str, str]:
    """The addresses with passwords for our commands, and their hashes for the server; all of them or none.

    An address that is there was made before, or names a server elsewhere, which has passwords already.
    """
    if any((directory / name).exists() for name in ("clickhouse.env", *(f"clickhouse_url_{one}" for one in ACCOUNTS))):
        return {}
    passwords = {account: secrets.token_urlsafe(_KEY_BYTES) for account in ACCOUNTS}
    hashes = {account: hashlib.sha256(password.encode()).hexdigest() for account, password in passwords.items()}
    return {
        **{f"clickhouse_url_{name}": f"http://audit_{name}:{word}@clickhouse:8123" for name, word in passwords.items()},
        "clickhouse.env": "".join(f"AUDIT_{name.upper()}_PASSWORD_SHA256={word}\n" for name, word in hashes.items()),
    }


def main() -> int:
    """Write what is missing and say so."""
    written = make(DIRECTORY)
    print(f"written to {DIRECTORY}: {', '.join(written)}" if written else f"{DIRECTORY} is complete")
    return 0


if __name__ == "__main__":
    sys.exit(main())
