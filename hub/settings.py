"""Settings of the whole: folders, addresses, which servers are embedded. A room's own settings live in that room."""

from pathlib import Path

from kit.settings import Settings, settings_config


class HubSettings(Settings):
    """Read once at start from `HUB_…` variables and `hub.env`.

    Everything listens on loopback unless told otherwise. Empty `database_url` or `nats_url` means: run our own.
    """

    model_config = settings_config("HUB_")

    var: Path = Path("var")
    files_dir: Path | None = None
    database_url: str = ""
    postgres_port: int = 54329
    nats_url: str = ""
    nats_port: int = 4222
    mqtt_bind: str = "127.0.0.1"
    mqtt_port: int = 1883
    http_bind: str = "127.0.0.1"
    http_port: int = 8000
    public_url: str = ""
    web_dist: Path = Path(__file__).parent.parent / "web" / "dist"
    profiles_dir: Path = Path(__file__).parent.parent / "device_adapters" / "profiles"
    log_level: str = "INFO"
    log_json: bool | None = None

    @property
    def files(self) -> Path:
        """Where photos are kept."""
        return self.files_dir or self.var / "files"

    @property
    def base_url(self) -> str:
        """How people reach the hub: what links in messages begin with."""
        return self.public_url or f"http://{self.http_bind}:{self.http_port}"
