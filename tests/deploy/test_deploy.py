"""What `deploy/` says is true of the hub of today: settings, commands, ports and files that exist."""

import os
import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from hub.bootstrap import Role
from hub.cli import app
from hub.models_alone import NAME as MODELS
from hub.settings import HubSettings
from hub.settings_list import every_setting
from kit.supervision.nats import binary
from tests.conftest import need

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = sorted((DEPLOY / "compose").glob("*.yaml"))
NATS_CONF = DEPLOY / "nats" / "cluster.conf"
INSTALLED = "/opt/zhiwu-hub/"
NATS_VARIABLES = set(re.findall(r"\$(HUB_NATS_\w+)", NATS_CONF.read_text("utf-8")))
PASSWORDS = {
    "POSTGRES_PASSWORD": "abc", "NATS_PASSWORD": "abc", "INFLUXDB_PASSWORD": "abc", "MQTT_PASSWORD": "abc",
    "HUB_LOGIN_SECRET": "x" * 32, "HUB_LINK_SECRET": "y" * 32, "HUB_MODEL_SECRET": "z" * 32,
}  # fmt: skip


def texts() -> dict[Path, str]:
    return {path: path.read_text("utf-8") for path in DEPLOY.rglob("*") if path.is_file()}


def test_every_setting_that_is_named_exists() -> None:
    known = {setting.variable for setting in every_setting()} | NATS_VARIABLES | {"HUB_ROLES"}
    for path, text in texts().items():
        named = set(re.findall(r"\bHUB_[A-Z_]+(?:_\d)?\b", text))
        assert named - known == set(), f"{path} names settings that do not exist"


def test_the_example_of_the_environment_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = (DEPLOY / "systemd" / "hub.env").read_text("utf-8").splitlines()
    for line in (line.removeprefix("#") for line in lines if re.match(r"#?HUB_", line)):
        (assignment,) = shlex.split(line)
        monkeypatch.setenv(*assignment.split("=", 1))
    assert HubSettings().nats_url.count("nats://") == 3


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_one_that_systemd_understands(unit: Path, tmp_path: Path) -> None:
    verify = need("systemd-analyze", package="systemd")
    copy = tmp_path / unit.name.replace("@.", "@judge.")
    # Only where the programs are differs here.
    copy.write_text(unit.read_text("utf-8").replace(f"{INSTALLED}.venv/bin", str(Path(binary()).parent)), "utf-8")
    done = subprocess.run([verify, "verify", str(copy)], capture_output=True, text=True, check=False)
    said = [line for line in done.stderr.splitlines() if copy.name in line]
    assert (done.returncode, said) == (0, []), done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_what_there_is(unit: Path) -> None:
    (argv,) = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
    program, *words = argv.split()
    assert program.startswith(f"{INSTALLED}.venv/bin/")
    if program.endswith("/hub"):
        assert words[0] in get_command(app).commands  # type: ignore[attr-defined]
    for word in words:
        if word.startswith(INSTALLED):
            assert (ROOT / word.removeprefix(INSTALLED)).is_file()


@pytest.mark.parametrize("file", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_is_one_that_compose_understands(file: Path) -> None:
    compose = need("docker-compose", package="docker-compose")
    done = subprocess.run(
        [compose, "-f", str(file), "config"], env=os.environ | PASSWORDS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_compose_file_without_passwords_is_refused() -> None:
    compose = need("docker-compose", package="docker-compose")
    without = {name: value for name, value in os.environ.items() if name not in PASSWORDS}
    many = str(DEPLOY / "compose" / "many.yaml")
    done = subprocess.run([compose, "-f", many, "config"], env=without, capture_output=True, text=True, check=False)
    assert "in .env" in done.stderr
    assert done.returncode != 0


def test_every_role_has_a_service_and_every_mounted_file_is_there() -> None:
    many = (DEPLOY / "compose" / "many.yaml").read_text("utf-8")
    assert sorted(re.findall(r'command: \["run", "(\w+)"\]', many)) == sorted([MODELS, *Role])
    made_by_whoever_installs = {"./zhiwu.passwords"}
    for mounted in set(re.findall(r"- (\.\.?/[\w./-]+):", many)) - made_by_whoever_installs:
        assert (DEPLOY / "compose" / mounted).is_file(), mounted
    assert set(re.findall(r"^  (HUB_NATS_\w+):", many, re.MULTILINE)) | {"HUB_NATS_NAME"} == NATS_VARIABLES


def test_the_variables_of_the_nats_file_are_explained_in_it() -> None:
    explained = NATS_CONF.read_text("utf-8").split("server_name:")[0]
    for name in NATS_VARIABLES:
        assert re.sub(r"_[123]$", "_", name) in explained


def test_mosquitto_in_a_container_keeps_what_the_shipped_one_keeps() -> None:
    def settings(path: Path) -> set[str]:
        return {line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")}

    shipped, contained = (
        settings(DEPLOY / "mosquitto" / "mosquitto.conf"),
        settings(DEPLOY / "compose" / "mosquitto.conf"),
    )
    assert shipped ^ contained == {"listener 1883 127.0.0.1", "listener 1883"}


def test_influxdb_in_a_container_keeps_what_the_shipped_one_keeps() -> None:
    shipped = tomllib.loads((DEPLOY / "influxdb" / "influxdb.conf").read_text("utf-8"))
    settings = {name: value for name, value in shipped.items() if not isinstance(value, dict)}
    for section in shipped.keys() - settings.keys():
        settings |= {f"{section}-{name}": value for name, value in shipped[section].items()}
    wanted = {
        f"INFLUXDB_{name.replace('-', '_').upper()}": str(value).lower()
        for name, value in settings.items()
        # Where it keeps things and where it listens is the image's; who may come in is another matter than here.
        if not name.endswith(("dir", "bind-address", "auth-enabled"))
    }
    many = (DEPLOY / "compose" / "many.yaml").read_text("utf-8")
    contained = dict(re.findall(r'^      (INFLUXDB_\w+): "?(.*?)"?$', many, re.MULTILINE))
    assert contained["INFLUXDB_HTTP_AUTH_ENABLED"] == "true"
    assert {name: contained.get(name) for name in wanted} == wanted
    assert wanted["INFLUXDB_DATA_MAX_VALUES_PER_TAG"] == "0"


def test_the_image_is_made_of_what_there_is() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    (targets,) = re.findall(r"^RUN make (.*)$", dockerfile, re.MULTILINE)
    for target in targets.split():
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    (ports,) = re.findall(r"^EXPOSE (.*)$", dockerfile, re.MULTILINE)
    fields = HubSettings.model_fields
    assert ports.split() == [str(fields["http_port"].default), str(fields["mqtt_port"].default)]
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert {"var", ".venv", ".git"} <= set(ignored)
