"""File import: an action list, or two user lists, as events."""

from producers.file_import.file_import import FileImport, ImportRequest
from producers.file_import.headings import FORMATS, PLATFORM, Format, read_mapping
from producers.file_import.import_record import default_state_dir
from producers.file_import.resolver import EmailAsId, IdResolver, MappingFileResolver
from producers.file_import.rows import BadRows, Code, Role, RowError
from producers.file_import.table import HowToRead

__all__ = [
    "FORMATS",
    "PLATFORM",
    "BadRows",
    "Code",
    "EmailAsId",
    "FileImport",
    "Format",
    "HowToRead",
    "IdResolver",
    "ImportRequest",
    "MappingFileResolver",
    "Role",
    "RowError",
    "default_state_dir",
    "read_mapping",
]
