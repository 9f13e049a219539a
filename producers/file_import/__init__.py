"""File import: an action list, or two user lists, as events."""

from producers.file_import.file_import import FileImport, ImportRequest
from producers.file_import.import_record import default_state_dir, settle_time
from producers.file_import.resolver import EmailAsId, IdResolver, MappingFileResolver, normalize_email
from producers.file_import.rows import BadRows, Role, RowError

__all__ = [
    "BadRows",
    "EmailAsId",
    "FileImport",
    "IdResolver",
    "ImportRequest",
    "MappingFileResolver",
    "Role",
    "RowError",
    "default_state_dir",
    "normalize_email",
    "settle_time",
]
