"""Publish user-management events: one publisher, four verbs, and an adapter for each of the three channels."""

from producers.activities import (
    ActionContext,
    admin_rights_updated,
    license_updated,
    live_stamp,
    user_created,
    user_deleted,
)
from producers.api import ApiRequest
from producers.errors import (
    DeliveryUnknown,
    InvalidImport,
    NothingChanged,
    ProducerError,
    PublisherClosed,
    PublishFailed,
    Stamp,
)
from producers.kafka_publisher import KafkaPublisher
from producers.publisher import Acknowledgement, Publisher
from producers.settings import ProducerSettings, load_settings
from producers.ui import UiSession
from schemas.errors import InvalidEvent
from schemas.events import Person
from schemas.settings import InvalidSettings

__all__ = [
    "Acknowledgement",
    "ActionContext",
    "ApiRequest",
    "DeliveryUnknown",
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
    "UiSession",
    "admin_rights_updated",
    "license_updated",
    "live_stamp",
    "load_settings",
    "user_created",
    "user_deleted",
]
