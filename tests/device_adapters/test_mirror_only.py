"""The hub mirrors equipment. Whatever reads devices has no way to write to one; commands have one door, which is shut
unless the hub is given it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from device_adapters.modbus.client import FUNCTIONS

ADAPTERS = Path(__file__).parents[2] / "device_adapters"


def calls(module: Path) -> Iterator[str]:
    """The names of the methods and functions that a module calls."""
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr=name)) | ast.Call(func=ast.Name(id=name)):
                yield name


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.split(".")[0] for alias in names)
            case ast.ImportFrom(module=str(name)):
                yield name.split(".")[0]


def test_modbus_polls_only_ask() -> None:
    """Polls are made of the four function codes that read; one module has the socket, one makes requests that write."""
    assert sorted(FUNCTIONS.values()) == [1, 2, 3, 4]
    modules = {module.name: set(calls(module)) for module in (ADAPTERS / "modbus").glob("*.py")}
    assert [name for name, called in modules.items() if "ask" in called] == ["client.py"]
    assert [name for name, called in modules.items() if "create_connection" in called] == ["wire.py"]
    assert [name for name, called in modules.items() if "write_request" in called] == ["writer.py"]
    assert sorted(name for name, called in modules.items() if "write" in called) == ["wire.py", "writer.py"]
    assert not {name for called in modules.values() for name in called if "execute" in name}


def test_only_alarms_answers_to_consoles_and_commands_are_sent_over_mqtt() -> None:
    senders = [module.name for module in (ADAPTERS / "mqtt").glob("*.py") if "send" in calls(module)]
    assert sorted(senders) == ["commander.py", "consoles.py", "publisher.py"]
    assert "MqttPublisher" not in {name for module in ADAPTERS.rglob("*.py") for name in calls(module)}


def test_commands_come_in_by_one_door_that_looks_at_the_target() -> None:
    """Whoever carries out commands is handed to a door and called by nobody else; the door asks what is protected."""
    carried = [module.name for module in ADAPTERS.rglob("*.py") if "carry" in calls(module)]
    assert carried == ["sending.py"]
    assert {"why_refused", "writable_point"} <= set(calls(ADAPTERS / "commands" / "sending.py"))


def test_only_the_connection_speaks_mqtt() -> None:
    """Whoever wants to publish needs the connection."""
    encoders = {"publish", "connect", "subscribe", "unsubscribe"}
    users = [
        module.name
        for module in ADAPTERS.rglob("*.py")
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "packets" and node.attr in encoders
    ]
    assert set(users) == {"client.py"}
    opened = [module.name for module in (ADAPTERS / "mqtt").glob("*.py") if "create_connection" in calls(module)]
    assert opened == ["client.py"]
    assert not [module.name for module in ADAPTERS.rglob("*.py") if {"gmqtt", "paho"} & set(imports(module))]
