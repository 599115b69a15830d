"""What happened around devices. Consumers: whoever keeps the broker's list of users."""

from kit.events import Event


class MqttCredentialsChanged(Event, frozen=True, kw_only=True):
    """Somebody may now come in to the embedded broker, or no more."""
