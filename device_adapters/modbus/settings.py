"""Settings of the Modbus adapter."""

from pydantic import Field

from kit.settings import Settings, settings_config


class ModbusSettings(Settings):
    """How patient the Modbus adapter is."""

    model_config = settings_config("HUB_MODBUS_")

    enabled: bool = Field(True, description="whether this process polls Modbus devices")
    timeout_s: float = Field(1.0, gt=0, le=60, description="wait for an answer; then the socket is closed")
    connect_timeout_s: float = Field(3.0, gt=0, le=60, description="wait for a connection")
    longest_backoff_s: float = Field(30.0, ge=1, le=3600, description="a silent device is asked at least this often")
