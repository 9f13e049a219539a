"""The words of a file for people."""

from collections.abc import Mapping
from enum import StrEnum


class Language(StrEnum):
    """The languages of the panel."""

    EN = "en"
    FR = "fr"


WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.EN: {
        "occurred_at": "Date and time",
        "utc_offset": "UTC offset",
        "activity": "Activity",
        "affected_user": "Affected user",
        "affected_username": "Username of the affected user",
        "previous_license": "Previous license",
        "new_license": "New license",
        "admin_rights": "Admin rights",
        "admin": "Admin",
        "admin_username": "Username of the admin",
        "channel": "Channel",
        "affected_user_id": "ID of the affected user",
        "affected_user_ref": "Ref of the affected user",
        "admin_id": "ID of the admin",
        "admin_ref": "Ref of the admin",
        "service": "Service",
        "request_id": "Request ID",
        "import_id": "Import ID",
        "row_number": "Row in the file",
        "event_id": "Event ID",
        "user_creation": "User created",
        "user_deletion": "User deleted",
        "user_license_update": "License changed",
        "admin_rights_update": "Admin rights changed",
        "ui": "Web UI",
        "api": "API",
        "file_import": "File import",
        "unknown": "Other channel",
        "granted": "Granted",
        "removed": "Removed",
        "no_license": "(none)",
        "deleted": "Deleted User",
        "unavailable": "Name unavailable",
    },
    Language.FR: {
        "occurred_at": "Date et heure",
        "utc_offset": "Décalage UTC",
        "activity": "Activité",
        "affected_user": "Utilisateur concerné",
        "affected_username": "Nom d’utilisateur de l’utilisateur concerné",
        "previous_license": "Licence précédente",
        "new_license": "Nouvelle licence",
        "admin_rights": "Droits d’admin",
        "admin": "Admin",
        "admin_username": "Nom d’utilisateur de l’admin",
        "channel": "Canal",
        "affected_user_id": "ID de l’utilisateur concerné",
        "affected_user_ref": "Réf. de l’utilisateur concerné",
        "admin_id": "ID de l’admin",
        "admin_ref": "Réf. de l’admin",
        "service": "Service",
        "request_id": "ID de la requête",
        "import_id": "ID de l’import",
        "row_number": "Ligne du fichier",
        "event_id": "ID de l’événement",
        "user_creation": "Création d’utilisateur",
        "user_deletion": "Suppression d’utilisateur",
        "user_license_update": "Changement de licence",
        "admin_rights_update": "Changement de droits d’admin",
        "ui": "Interface web",
        "api": "API",
        "file_import": "Import de fichier",
        "unknown": "Autre canal",
        "granted": "Accordés",
        "removed": "Retirés",
        "no_license": "(aucune)",
        "deleted": "Utilisateur supprimé",
        "unavailable": "Nom indisponible",
    },
}
"""By language; those that the panel says too are the panel's."""
