"""Devices of the stories, none of the hub's code: a paho client on the real listener, a pymodbus server on a socket."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

LIVENESS_S = 60.0


class MqttDevice:
    """A device with its own account. `acknowledged` are the message ids that the broker confirmed (QoS 1).

    A `patient` one asks the broker to keep its session, and sends what was not confirmed again when it is back.
    """

    def __init__(self, *, port: int, username: str, password: str, client_id: str, patient: bool = False) -> None:
        self.acknowledged: set[int] = set()
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self._connected = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=not patient)
        self._client.username_pw_set(username, password)
        self._client.on_connect = self._on_connect
        self._client.on_publish = lambda _, __, mid, *___: self.acknowledged.add(mid)
        self._client.on_message = lambda _, __, message: self.heard.append((message.topic, json.loads(message.payload)))
        self._client.reconnect_delay_set(min_delay=1, max_delay=1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._connected.wait(LIVENESS_S), "the broker did not let the device in"

    def _on_connect(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        if not reason.is_failure:
            self._connected.set()

    def publish(self, topic: str, payload: Any) -> int:
        """Sends JSON, or bytes as they are, with QoS 1; the message's id."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self._client.publish(topic, raw, qos=1).mid

    def telemetry(self, device: str, values: dict[str, Any], *, ts: int | None = None) -> int:
        stamp = {} if ts is None else {"ts": ts}
        return self.publish(f"site/yunqi/device/{device}/telemetry", {**stamp, "values": values})

    async def confirmed(self, mid: int) -> None:
        async with asyncio.timeout(LIVENESS_S):
            while mid not in self.acknowledged:
                await asyncio.sleep(0.01)

    def use_password(self, username: str, password: str) -> None:
        """From the next connection on."""
        self._client.username_pw_set(username, password)

    def subscribe(self, topic: str) -> None:
        self._client.subscribe(topic, qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@dataclass
class Pump:
    """A pump behind its gateway: temperatures and the like are set, the hub polls them."""

    registers: list[int] = field(default_factory=lambda: [0] * 4100)

    def set(self, *, bearing_temp_c: float, vibration_mm_s: float) -> None:
        self.registers[4096] = round(bearing_temp_c * 10)
        self.registers[4097] = round(vibration_mm_s * 100)


@asynccontextmanager
async def pump_gateway(port: int) -> AsyncIterator[Pump]:
    """A Modbus TCP gateway with one running pump as unit 1; behind its other units pumps stand still."""
    pump = Pump()
    pump.registers[200] = 1 << 6 | 1 << 8  # running, remotely controlled
    pump.registers[300], pump.registers[301], pump.registers[303] = 4200, 85, 2850
    pump.set(bearing_temp_c=52.0, vibration_mm_s=2.1)

    async def refresh(function: int, start: int, address: int, count: int, current: list[int], values: Any) -> None:
        current[address - start : address - start + count] = pump.registers[address : address + count]

    block = [SimData(0, count=len(pump.registers), values=0, datatype=DataType.REGISTERS)]
    units = [SimDevice(1, simdata=block, action=refresh), SimDevice(0, simdata=block)]  # 0 answers for every other
    server = ModbusTcpServer(units, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    try:
        yield pump
    finally:
        await server.shutdown()  # type: ignore[no-untyped-call]


def now_ms() -> int:
    return int(time.time() * 1000)
