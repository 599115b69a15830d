"""Settings of a demo: outside services are the fake ones, secrets are made up and kept in the data folder."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.settings import HubSettings
from kit.secrets import SecretStore
from kit.settings import Settings, settings_config
from notify.template import TemplateRegistry

# WeChat's EncodingAESKey is 43 characters of Base64: 32 bytes without the padding.
AES_KEY_LENGTH = 43
SCENARIO_USER = "manager"


class DemoPorts(Settings):
    """Where the simulators listen; they read the same variables."""

    model_config = settings_config("HUB_SIM_")

    http_port: int = 8090
    platform_port: int = 8091
    modbus_port: int = 15020


@dataclass(frozen=True)
class DemoFiles:
    """What a demo keeps in `var/demo`, readable by its owner only."""

    folder: Path

    @property
    def accounts(self) -> Path:
        return self.folder / "accounts.json"

    @property
    def mqtt(self) -> Path:
        return self.folder / "mqtt.json"

    def keep(self, path: Path, secrets: Mapping[str, str]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(json.dumps(secrets, ensure_ascii=False, indent=2), "utf-8")


def demo_environment(settings: HubSettings, ports: DemoPorts, secrets: SecretStore, files: DemoFiles) -> dict[str, str]:
    """Variables for the hub and the simulators alike. What the person who starts the demo has set is left to win."""
    platform = f"http://127.0.0.1:{ports.platform_port}"
    templates = sorted(TemplateRegistry.load().keys())
    names = {key: key.replace(".", "_").upper() for key in templates}
    return {
        "HUB_WECHAT_APP_ID": "wxdemo000000000001",
        "HUB_WECHAT_APP_SECRET": secrets.get("demo_wechat_app_secret"),
        "HUB_WECHAT_TOKEN": secrets.get("demo_wechat_token").replace("-", "x").replace("_", "y"),
        "HUB_WECHAT_AES_KEY": _aes_key(secrets),
        "HUB_WECHAT_BASE_URL": platform,
        "HUB_WECOM_CORP_ID": "wwdemo0000000001",
        "HUB_WECOM_CORP_SECRET": secrets.get("demo_wecom_secret"),
        "HUB_WECOM_AGENT_ID": "1000001",
        "HUB_WECOM_BASE_URL": f"{platform}/wecom",
        "HUB_SMS_ACCESS_KEY_ID": "demo",
        "HUB_SMS_ACCESS_KEY_SECRET": secrets.get("demo_sms_secret"),
        "HUB_SMS_SIGN_NAME": "智物演示",
        "HUB_SMS_BASE_URL": f"{platform}/sms",
        "HUB_VOICE_ACCESS_KEY_ID": "demo",
        "HUB_VOICE_ACCESS_KEY_SECRET": secrets.get("demo_sms_secret"),
        "HUB_VOICE_BASE_URL": f"{platform}/voice",
        "HUB_NOTIFY_WECHAT_TEMPLATES": json.dumps({key: f"demo-{key}" for key in templates}),
        "HUB_NOTIFY_SMS_TEMPLATES": json.dumps({key: f"SMS_DEMO_{names[key]}" for key in templates}),
        "HUB_NOTIFY_VOICE_TEMPLATES": json.dumps({key: f"TTS_DEMO_{names[key]}" for key in templates}),
        "HUB_SIM_MQTT_PORT": str(settings.mqtt_port),
        "HUB_SIM_MQTT_CREDENTIALS": str(files.mqtt.resolve()),
        "HUB_SIM_HUB_URL": settings.local_url,
        **({"HUB_SIM_MQTT_CA_FILE": str(settings.mqtt_tls_cert.resolve())} if settings.mqtt_tls_cert else {}),
    }


def simulator_environment(settings: HubSettings, ports: DemoPorts, files: DemoFiles) -> dict[str, str]:
    """Where the running demo is, and as whom a scenario logs in there: its manager."""
    where = {
        "HUB_SIM_HUB_URL": settings.local_url,
        "HUB_SIM_CONTROL_URL": f"http://127.0.0.1:{ports.http_port}",
        "HUB_SIM_PLATFORM_URL": f"http://127.0.0.1:{ports.platform_port}",
    }
    try:
        accounts: dict[str, str] = json.loads(files.accounts.read_text("utf-8"))
    except FileNotFoundError:
        return where
    return where | {"HUB_SIM_USER": SCENARIO_USER, "HUB_SIM_PASSWORD": accounts[SCENARIO_USER]}


def _aes_key(secrets: SecretStore) -> str:
    both = secrets.get("demo_wechat_aes_1") + secrets.get("demo_wechat_aes_2")
    # The last character's low bits are padding: "A" keeps them zero, as a decoder may insist.
    return both.replace("-", "x").replace("_", "y")[: AES_KEY_LENGTH - 1] + "A"
