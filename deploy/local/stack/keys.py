"""The stack's secrets: made once, at random, and kept beside its data, which is worthless under other keys."""

import base64
import json
import secrets
from pathlib import Path

from deploy.local.stack.state import write_whole

SECRET_NAMES = ("AUDIT_PSEUDONYMIZATION_KEY", "AUDIT_CURSOR_KEY", "AUDIT_DEVELOPMENT_TOKEN_SECRET")
_KEY_BYTES = 32
_OWNER_ONLY = 0o600


def load_or_create(file: Path) -> dict[str, str]:
    """The secrets in *file* by setting, each base64 of 32 bytes. What is missing is made and kept; the rest stays.

    Only the file's owner may read it. Raises `ValueError` for a file that holds anything else.
    """
    found: dict[str, str] = {}
    if file.exists():
        content = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not all(isinstance(value, str) for value in content.values()):
            raise ValueError(f"{file} is not an object of texts")
        found = content
    missing = [name for name in SECRET_NAMES if name not in found]
    if missing:
        found |= {name: base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode() for name in missing}
        write_whole(file, json.dumps(found, indent=2), mode=_OWNER_ONLY)
    file.chmod(_OWNER_ONLY)
    return {name: found[name] for name in SECRET_NAMES}
