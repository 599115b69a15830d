"""Settings of the MQTT adapter."""

from pydantic import Field

from device_adapters.mqtt.broker import Broker
from kit.settings import Settings, settings_config


class MqttSettings(Settings):
    """Brokers beside the embedded one."""

    model_config = settings_config("HUB_MQTT_")

    brokers: list[Broker] = Field(
        default=[],
        description="brokers besides the embedded one, as JSON: "
        '[{"name": "north", "host": "10.0.0.5", "username": "hub", "password": "…", "tls": true, "version": "5"}]',
    )
