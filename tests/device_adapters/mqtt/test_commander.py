"""Commands over a real broker to a Tasmota, a Shelly and a Zigbee lamp as their documentation has them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from building.profile import BadProfile
from catalog.directory import EquipmentEntry, LiveDirectory
from device_adapters.commands.command import Answer, Command, NoWay, Outcome
from device_adapters.mqtt.broker import Broker
from device_adapters.mqtt.command_dialect import command_of
from device_adapters.mqtt.commander import Commander
from device_adapters.mqtt.routing import Router
from kit.clock import SystemClock, to_ms
from kit.ids import new_id
from kit.supervision.nats import MQTT_USER, NatsServer
from tests.device_adapters.directories import PROFILES, directory, equipment
from tests.device_adapters.mqtt.rig import device, until

PLUG = equipment("tasmota-plug", "plug-01")
SHELLY = equipment("shelly-gen2-switch", "shellyplus1-a8032ab1fe78", first_point=100)
LAMP = equipment("zigbee2mqtt-sensor", "lamp-01", first_point=200)


@pytest.fixture
def broker(nats_server: NatsServer) -> Broker:
    return Broker(
        name="embedded", host=nats_server.mqtt_host, port=nats_server.mqtt_port, username=MQTT_USER, password="mqtt"
    )


def commander(broker: Broker) -> Commander:
    live = LiveDirectory(directory(PLUG, SHELLY, LAMP))
    router = Router(live, PROFILES, broker=broker.name)
    return Commander(broker, directory=live, profiles=PROFILES, router=router, clock=SystemClock())


def command(entry: EquipmentEntry, point: str, value: float, *, within_s: float = 20.0) -> Command:
    return Command(
        command_id=new_id(), equipment_id=entry.equipment_id, point=point, value=value, within_s=within_s,
        expires_at_ms=to_ms(SystemClock().now()) + 60_000,
    )  # fmt: skip


async def test_each_make_is_told_in_its_own_words_and_its_answer_awaited(broker: Broker) -> None:
    """Each device does what its documentation says: Tasmota tells its RESULT, a Shelly that is on already says so only
    when it is asked, zigbee2mqtt hopes first."""
    async with device(broker, MQTT_USER, "mqtt", client_id="house") as house:
        answering = asyncio.create_task(_answer_as_devices(house))
        for topic in ("cmnd/plug-01/POWER", f"{SHELLY.code}/rpc", "zigbee2mqtt/lamp-01/set", "zigbee2mqtt/lamp-01/get"):
            await house.listen(topic)
        telling = commander(broker)
        told = [(PLUG, "power", 1.0), (SHELLY, "output", 1.0), (LAMP, "state", 0.0)]
        answers = [await telling.carry(command(entry, point, value)) for entry, point, value in told]
        answering.cancel()
    assert answers == [Answer(outcome=Outcome.DONE, read_back=value) for _, _, value in told]
    assert house.heard[0] == ("cmnd/plug-01/POWER", b"ON")
    asked = [json.loads(payload) for topic, payload in house.heard if topic.endswith("/rpc")]
    assert [(one["method"], one["src"]) for one in asked] == [
        ("Switch.Set", f"{SHELLY.code}/hub"), ("Shelly.GetStatus", f"{SHELLY.code}/hub"),
    ]  # fmt: skip
    assert asked[0]["params"] == {"id": 0, "on": True}
    assert [json.loads(payload) for topic, payload in house.heard if "lamp" in topic] == [
        {"state": "OFF"},
        {"state": ""},
    ]


async def _answer_as_devices(house: Any) -> None:
    seen = 0
    answers: dict[str, Callable[[Any], list[tuple[str, Any]]]] = {
        "cmnd/plug-01/POWER": lambda said: [("stat/plug-01/RESULT", {"POWER": said})],
        "zigbee2mqtt/lamp-01/set": lambda _: [("zigbee2mqtt/lamp-01", {"state": "ON"})],
        "zigbee2mqtt/lamp-01/get": lambda _: [("zigbee2mqtt/lamp-01", {"state": "OFF", "linkquality": 60})],
        f"{SHELLY.code}/rpc": _shelly,
    }
    while True:
        await asyncio.sleep(0.01)
        if seen == len(house.heard):
            continue
        topic, payload = house.heard[seen]
        seen += 1
        said = json.loads(payload) if payload.startswith(b"{") else payload.decode()
        for where, what in answers[topic](said):
            await house.say(where, what)


def _shelly(said: Any) -> list[tuple[str, Any]]:
    head = {"id": said["id"], "src": SHELLY.code, "dst": said["src"]}
    if said["method"] == "Switch.Set":
        return [(f"{said['src']}/rpc", {**head, "result": {"was_on": True}})]
    return [(f"{said['src']}/rpc", {**head, "result": {"switch:0": {"id": 0, "output": True, "apower": 12.5}}})]


async def test_a_device_that_says_nothing_or_something_else_is_reported_so(broker: Broker) -> None:
    telling = commander(broker)
    silent = await telling.carry(command(PLUG, "power", 1.0, within_s=0.3))
    assert silent.outcome is Outcome.UNCONFIRMED
    async with device(broker, MQTT_USER, "mqtt", client_id="house") as house:
        await house.listen("cmnd/plug-01/POWER")
        waiting = asyncio.create_task(telling.carry(command(PLUG, "power", 1.0, within_s=1.5)))
        await until(lambda: bool(house.heard))
        await house.say("stat/plug-01/RESULT", {"POWER": "OFF"})
        assert await waiting == Answer(outcome=Outcome.DIFFERENT, read_back=0.0)
        assert house.heard == [("cmnd/plug-01/POWER", b"ON")]


async def test_without_a_broker_nothing_was_sent(broker: Broker) -> None:
    nowhere = broker.model_copy(update={"port": 1})
    assert (await commander(nowhere).carry(command(PLUG, "power", 1.0))).outcome is Outcome.NOT_SENT


@pytest.mark.parametrize(("point", "value"), [("power", 0.5), ("power_w", 1.0), ("nothing", 1.0)])
async def test_what_the_profile_has_no_words_for_is_not_said(broker: Broker, point: str, value: float) -> None:
    with pytest.raises(NoWay):
        await commander(broker).carry(command(PLUG, point, value))


@pytest.mark.parametrize(
    "raw",
    [
        {"topic": "cmnd/{device}/POWER"}, {"topic": "cmnd/POWER", "payload": "{value}"},
        {"topic": "cmnd/{device}/+", "payload": "{value}"}, {"topic": "cmnd/{device}/POWER", "payload": "ON"},
        {"topic": "cmnd/{device}/POWER", "payload": {"an": "ON"}},
        {"topic": "cmnd/{device}/POWER", "payload": "{value}", "ask": {"topic": "x/{device}"}},
    ],
)  # fmt: skip
def test_a_bad_command_is_refused_when_it_is_read(raw: dict[str, Any]) -> None:
    profile = PROFILES["tasmota-plug"]
    points = {**profile.points, "power": replace(profile.points["power"], sections={"mqtt": {"command": raw}})}
    with pytest.raises(BadProfile):
        command_of(replace(profile, points=points), "power")


def test_a_device_called_value_stays_what_it_is_called() -> None:
    profile = PROFILES["tasmota-plug"]
    section = {"mqtt": {"command": {"topic": "c/{device}", "payload": "{device}={value}"}}}
    points = {**profile.points, "power": replace(profile.points["power"], sections=section)}
    dialect = command_of(replace(profile, points=points), "power")
    assert dialect is not None
    [said] = dialect.said(replace(PLUG, external_id="{value}"), 2.5, command_id=new_id())
    assert said.payload == b"{value}=2.5"
