"""The build step of the small wheel: `producers` and what it needs of `schemas`, under one import name.

An upstream service has top-level modules of its own, and `schemas` is often one of them. So the wheel holds
`user_management_audit`, whose modules are those of `producers`, and `user_management_audit.schemas`. They are the files
of this repository with each `from producers…` and `from schemas…` renamed.
"""

import ast
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NAME = "user_management_audit"
_NEW_NAMES = {"producers": NAME, "schemas": f"{NAME}.schemas"}
_DATA = ("producers/py.typed", "schemas/avro/user_management_event.v*.avsc")
_REPOSITORY = Path(__file__).resolve().parent.parent


class OneName(BuildHookInterface[Any]):
    """What hatchling runs before it packs the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the renamed files, and let the wheel hold them."""
        if version == "editable":
            raise ValueError("the small wheel cannot be editable: work on the repository itself")
        self._folder = tempfile.TemporaryDirectory()
        root = Path(self._folder.name)
        for place, content in renamed_files(_REPOSITORY):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            (root / place).write_bytes(content)
        build_data["force_include"][str(root / NAME)] = NAME
        build_data["force_include"][str(_REPOSITORY / "LICENSE")] = f"{NAME}/LICENSE"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatchling's
        """Remove what `initialize` wrote."""
        self._folder.cleanup()


def renamed_files(repository: Path) -> Iterator[tuple[Path, bytes]]:
    """The place and content of each file of the wheel."""
    waiting = [
        file.relative_to(repository)
        for file in sorted((repository / "producers").rglob("*.py"))
        if file.name != Path(__file__).name
    ]
    seen = set(waiting)
    while waiting:
        file = waiting.pop()
        text = (repository / file).read_text(encoding="utf-8")
        yield _place(file), renamed(text, str(file)).encode()
        needed = {found for module in imported(text, str(file)) if (found := _file_of(module, repository))}
        waiting += needed - seen
        seen |= needed
    for pattern in _DATA:
        for file in repository.glob(pattern):
            yield _place(file.relative_to(repository)), file.read_bytes()


def renamed(text: str, file: str) -> str:
    """*text* with its imports renamed. Raises `ValueError` for an import that has no place for another name."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.Import) and any(alias.name.split(".")[0] in _NEW_NAMES for alias in node.names):
            raise ValueError(f"{file}, line {node.lineno}: write `from … import …`, which the wheel can rename")
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _NEW_NAMES:
            root = node.module.split(".")[0]
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = line.replace(f"from {root}", f"from {_NEW_NAMES[root]}", 1)
    return "".join(lines)


def imported(text: str, file: str) -> Iterator[str]:
    """Each module of the repository that *text* imports, and each name that it imports from one."""
    for node in ast.walk(ast.parse(text, file)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in _NEW_NAMES:
            parts = node.module.split(".")
            yield from (".".join(parts[:length]) for length in range(1, len(parts) + 1))
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_of(module: str, repository: Path) -> Path | None:
    path = Path(*module.split("."))
    found = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in found if (repository / file).is_file()), None)


def _place(file: Path) -> Path:
    """Where *file* lies in the wheel."""
    root, *rest = file.parts
    return Path(*_NEW_NAMES[root].split("."), *rest)
