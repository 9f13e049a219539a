"""Publish user-management events: two clients, four verbs, and an adapter for each of the three channels."""

from producers.audit_log import AuditLog
from producers.channels.api import ApiEvents, ApiRequest
from producers.channels.ui import UiEvents, UiSession
from producers.errors import (
    DeliveryUnknown,
    InvalidImport,
    NothingChanged,
    ProducerError,
    PublisherClosed,
    PublishFailed,
    Stamp,
    UnreadableRequest,
)
from producers.kafka.publisher import KafkaPublisher
from producers.publisher import Acknowledgement, Publisher
from producers.settings import ProducerSettings, load_settings
from schemas.errors import InvalidEvent
from schemas.events import Channel, Event, Person
from schemas.settings import InvalidSettings

__all__ = [
    "Acknowledgement",
    "ApiEvents",
    "ApiRequest",
    "AuditLog",
    "Channel",
    "DeliveryUnknown",
    "Event",
    "InvalidEvent",
    "InvalidImport",
    "InvalidSettings",
    "KafkaPublisher",
    "NothingChanged",
    "Person",
    "ProducerError",
    "ProducerSettings",
    "PublishFailed",
    "Publisher",
    "PublisherClosed",
    "Stamp",
    "UiEvents",
    "UiSession",
    "UnreadableRequest",
    "load_settings",
]
