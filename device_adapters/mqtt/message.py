"""A message as MQTT carries it."""

import msgspec


class Message(msgspec.Struct, frozen=True):
    """`retained`: what the broker kept for us, of any age, and not what a device has just said."""

    topic: str
    payload: bytes
    retained: bool
