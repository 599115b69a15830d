"""The hub mirrors equipment: no adapter has a way to write to a device, whatever anyone configures."""

import ast
from collections.abc import Iterator
from pathlib import Path

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


def test_the_modbus_adapter_only_asks() -> None:
    called = {name for module in (ADAPTERS / "modbus").glob("*.py") for name in calls(module)}
    assert not {name for name in called if "write" in name or "execute" in name}
    assert {name for name in called if name.startswith("read_")} == {
        "read_holding_registers", "read_input_registers", "read_coils", "read_discrete_inputs",
    }  # fmt: skip


def test_only_the_publisher_of_alarms_sends_over_mqtt() -> None:
    senders = [module.name for module in (ADAPTERS / "mqtt").glob("*.py") if "send" in calls(module)]
    assert senders == ["publisher.py"]
    assert "MqttPublisher" not in {name for module in ADAPTERS.rglob("*.py") for name in calls(module)}


def test_only_the_connection_speaks_mqtt() -> None:
    """Whoever wants to publish needs the connection, and only the publisher of alarms calls its `send`."""
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
