"""Events as they are stored, published and read again: names, encryption, upcasting.

A stored event: `{id, stream, version, type, schema, data, personal?: {subject, box}}`. `data` is what
analysts and auditors may read; `box` is base64 of nonce + AES-256-GCM over the personal fields, with
stream, version and type as associated data, so that a box cannot be moved to another event.
"""

import base64
import functools
import os
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import ValidationError

from domain.kernel import EVENTS, DomainEvent, PersonalData, UnreadableEvent
from domain.ports.events import RecordedEvent
from integrations.event_store.canonical import canonical, check_plain, instant

SOURCE = "urn:kundan:ledger"
NONCE_BYTES = 12


class UndecodableEventError(Exception):
    """A stored event cannot be read: unknown topic, newer schema, or data that its class refuses."""


class _Randomness:
    """The system's random bytes, fetched for many ids at once: each fetch is a call of the kernel."""

    def __init__(self) -> None:
        self._bytes, self._used = b"", 0
        if hasattr(os, "register_at_fork"):  # a child must not give the same ids as its parent
            os.register_at_fork(after_in_child=self._forget)

    def take(self, count: int) -> bytes:
        begin = self._used
        self._used = begin + count
        if self._used > len(self._bytes):
            self._bytes, begin, self._used = os.urandom(4_096), 0, count
        return self._bytes[begin : self._used]

    def _forget(self) -> None:
        self._bytes, self._used = b"", 0


_RANDOMNESS = _Randomness()


def uuid7() -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of milliseconds, then random. Sorts by time.

    For names, not for secrets. Of one thread: that of the event loop.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(_RANDOMNESS.take(10), "big")
    number = milliseconds << 80 | 0x7 << 76 | (random >> 4 & 0xFFF) << 64
    number |= 0b10 << 62 | (random >> 16 & (1 << 62) - 1)
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@functools.cache
def personal_fields(event_class: type[DomainEvent]) -> dict[str, Any]:
    """Name → stand-in for each field that is encrypted with its person's key."""
    return {
        name: mark.erased
        for name, field in event_class.model_fields.items()
        for mark in field.metadata
        if isinstance(mark, PersonalData)
    }


def subject_of(event: DomainEvent) -> str | None:
    """The person whose key encrypts this event's personal fields."""
    name = type(event).SUBJECT
    if name is None or not personal_fields(type(event)):
        return None
    return str(getattr(event, name))


def to_stored(event: DomainEvent, keys: Mapping[str, bytes]) -> dict[str, Any]:
    """A document that MongoDB and JSON hold alike. `keys` must hold the event's subject.

    Raise Invalid for a value that they would not.
    """
    event_class = type(event)
    hidden = personal_fields(event_class)
    serializer = event_class.__pydantic_serializer__
    stored: dict[str, Any] = {
        "id": uuid7(),
        "stream": event.originator_id,
        "version": event.originator_version,
        "type": event_class.TOPIC,
        "schema": event_class.class_version,
        "data": serializer.to_python(event, mode="json", exclude=set(hidden)),
    }
    check_plain(stored["data"])
    if hidden and (subject := subject_of(event)) is not None:
        secret = serializer.to_python(event, mode="json", include=set(hidden))
        check_plain(secret)
        box = _seal(canonical(secret), keys[subject], stored)
        stored["personal"] = {"subject": subject, "box": box}
    return stored


def to_event(stored: Mapping[str, Any], at: datetime, keys: Mapping[str, bytes]) -> DomainEvent:
    """The event again. Personal fields of a person without a key stand as `erased`."""
    event_class = EVENTS.get(stored["type"])
    if event_class is None:
        raise UndecodableEventError(f"{stored['type']} is not in the registry of events")
    state = stored["data"]
    if personal := stored.get("personal"):
        state = {**state, **_open(event_class, personal, stored, keys)}
    if stored["schema"] != event_class.class_version:
        state = _upcast(event_class, stored, state)
    try:
        event = event_class.model_validate(state)
    except ValidationError as e:  # told without its input, which may be personal
        faults = [f"{fault['loc']} {fault['type']}" for fault in e.errors(include_input=False)]
        raise UndecodableEventError(f"{_where(stored)}: {', '.join(faults)}") from None
    return _placed(event, stored, at)


def _where(stored: Mapping[str, Any]) -> str:
    return f"{stored['type']} at {stored['stream']} version {stored['version']}"


def _placed(event: DomainEvent, stored: Mapping[str, Any], at: datetime) -> DomainEvent:
    coordinates = event.__dict__
    coordinates["originator_id"] = stored["stream"]
    coordinates["originator_version"] = stored["version"]
    coordinates["timestamp"] = at
    return event


def to_readable(stored: Mapping[str, Any], at: datetime, keys: Mapping[str, bytes]) -> DomainEvent:
    """The event, or an UnreadableEvent in its place: one of them must not stop all who read history."""
    try:
        return to_event(stored, at, keys)
    except UndecodableEventError as e:
        return _placed(UnreadableEvent(stored_type=stored["type"], reason=str(e)), stored, at)


def _upcast(
    event_class: type[DomainEvent], stored: Mapping[str, Any], state: Mapping[str, Any]
) -> dict[str, Any]:
    if stored["schema"] > event_class.class_version:
        raise UndecodableEventError(
            f"{stored['type']} has schema {stored['schema']}; this build knows {event_class.class_version}"
        )
    lifted = dict(state)
    for version in range(stored["schema"], event_class.class_version):
        try:
            getattr(event_class, f"upcast_v{version}_v{version + 1}")(lifted)
        except (AttributeError, KeyError, TypeError, ValueError) as e:
            fault = type(e).__name__
            raise UndecodableEventError(f"{_where(stored)}: {fault} while upcasting") from None
    return lifted


def _associated_data(stored: Mapping[str, Any]) -> bytes:
    return f"{stored['stream']}/{stored['version']}/{stored['type']}".encode()


def _seal(secret: bytes, key: bytes, stored: Mapping[str, Any]) -> str:
    nonce = os.urandom(NONCE_BYTES)
    box = nonce + AESGCM(key).encrypt(nonce, secret, _associated_data(stored))
    return base64.b64encode(box).decode()


def _open(
    event_class: type[DomainEvent],
    personal: Mapping[str, str],
    stored: Mapping[str, Any],
    keys: Mapping[str, bytes],
) -> dict[str, Any]:
    key = keys.get(personal["subject"])
    if key is None:
        return personal_fields(event_class)
    try:
        box = base64.b64decode(personal["box"], validate=True)
        secret = AESGCM(key).decrypt(box[:NONCE_BYTES], box[NONCE_BYTES:], _associated_data(stored))
    except (InvalidTag, ValueError) as e:
        raise UndecodableEventError(f"the personal part of {stored['id']} was changed") from e
    fields: dict[str, Any] = orjson.loads(secret)
    return fields


def subjects_of(stored_events: Iterable[Mapping[str, Any]]) -> list[str]:
    """The persons whose keys are needed to read these events."""
    return list({e["personal"]["subject"] for e in stored_events if "personal" in e})


def recorded(
    commit: Mapping[str, Any], stored: Mapping[str, Any], position: int, keys: Mapping[str, bytes]
) -> RecordedEvent:
    return RecordedEvent(
        position=position,
        event_id=stored["id"],
        commit_id=commit["_id"],
        command=commit["command"],
        actor=commit["actor"],
        correlation=commit["correlation"],
        causation=commit["causation"],
        at=commit["at"],
        event=to_readable(stored, commit["at"], keys),
    )


# --- On the wire -----------------------------------------------------------------------------------


def subject_name(stream: str, stored: Mapping[str, Any]) -> str:
    """`events.<category>.<Type>` on the stream EVENTS: coarse, since a subject for each aggregate
    costs the broker memory for ever.
    """
    return f"{stream.lower()}.{stored['stream'].partition('-')[0]}.{stored['type']}"


def message_body(commit: Mapping[str, Any], stored: Mapping[str, Any], position: int) -> bytes:
    """The event as CloudEvents 1.0 JSON: a pure function of ledger and commit, so the same for ever."""
    body = {
        "specversion": "1.0",
        "id": stored["id"],
        "source": SOURCE,
        "type": stored["type"],
        "subject": stored["stream"],
        "time": instant(commit["at"]),
        "datacontenttype": "application/json",
        "dataschema": f"urn:kundan:event:{stored['type']}:{stored['schema']}",
        "sequence": str(position),
        "streamversion": stored["version"],
        "schemaversion": stored["schema"],
        "commit": commit["_id"],
        "command": commit["command"],
        "actor": commit["actor"],
        "correlation": commit["correlation"],
        "data": stored["data"],
    }
    if commit["causation"] is not None:
        body["causation"] = commit["causation"]
    if personal := stored.get("personal"):
        body["personalsubject"] = personal["subject"]
        body["personalbox"] = personal["box"]
    return canonical(body)


def from_message(body: bytes) -> tuple[dict[str, Any], dict[str, Any], int]:
    """(commit fields, stored event, position) of a published message."""
    try:
        fields = orjson.loads(body)
        commit = {
            "_id": fields["commit"],
            "command": fields["command"],
            "actor": fields["actor"],
            "correlation": fields["correlation"],
            "causation": fields.get("causation"),
            "at": datetime.fromisoformat(fields["time"]),
        }
        stored = {
            "id": fields["id"],
            "stream": fields["subject"],
            "version": fields["streamversion"],
            "type": fields["type"],
            "schema": fields["schemaversion"],
            "data": fields["data"],
        }
        if "personalbox" in fields:
            stored["personal"] = {
                "subject": fields["personalsubject"],
                "box": fields["personalbox"],
            }
        return commit, stored, int(fields["sequence"])
    except (ValueError, KeyError, TypeError) as e:
        raise UndecodableEventError(f"not an event of ours: {e}") from e
