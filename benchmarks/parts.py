"""Every part of the bench, in the order of the report. A new part is a module with a `Part` and a line here."""

from benchmarks.adapters.modbus import ModbusPart
from benchmarks.adapters.mqtt import MqttAdapterPart
from benchmarks.alarms import AlarmsPart
from benchmarks.dispatch import DispatchPart
from benchmarks.durable import DurablePart
from benchmarks.fleet.part import FleetPart
from benchmarks.flood.part import FloodPart
from benchmarks.insight import InsightPart
from benchmarks.line.part import LinePart
from benchmarks.orders.part import OrdersPart
from benchmarks.part import Part
from benchmarks.predictive.part import PredictivePart
from benchmarks.replay import ReplayPart
from benchmarks.rules import RulesPart
from benchmarks.telemetry.disk_part import DiskPart
from benchmarks.telemetry.engines import EnginesPart
from benchmarks.telemetry.queries_part import QueriesPart


def every_part() -> list[Part]:
    return [
        LinePart(),
        MqttAdapterPart(),
        ModbusPart(),
        QueriesPart(),
        DiskPart(),
        OrdersPart(),
        InsightPart(),
        DispatchPart(),
        RulesPart(),
        ReplayPart(),
        AlarmsPart(),
        EnginesPart(),
        DurablePart(),
        FloodPart(),
        FleetPart(),
        PredictivePart(),
    ]
