"""The short way of the usual message: one device, named by its topic, and numbers for its points.

A lane is what a topic, a dialect and an equipment come to, worked out once. It either reads a message whole, in a few
microseconds and with the same result as the general way (`device_adapters.mqtt.translation`), or leaves it alone.
"""

from array import array
from collections.abc import Callable, Iterable
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple, Protocol, cast

import msgspec

from device_adapters.intake import Flush
from device_adapters.mqtt.dialect import TelemetryRule, TimeUnit
from device_adapters.mqtt.payload import EARLIEST_MS, LATEST_MS, MAX_PAYLOAD_BYTES
from device_adapters.mqtt.routing import Route, Share, Target

# A sender that invents keys must not fill the memory.
SHAPES_KEPT = 32
# Nor one that invents names of devices.
UNKNOWN_LANES_KEPT = 10_000


class Lane(Protocol):
    """One topic, one share of the points."""

    def read(self, payload: bytes, flush: Flush, now_ms: int) -> bool:
        """Adds what the message says to the flush. False, and nothing added, when it takes the general way."""
        ...

    @property
    def target(self) -> Target | None:
        """Whose link is up when this was read; None where there is nothing to tell and nothing to keep."""
        ...


class Document(Protocol):
    ts: int | None
    values: dict[str, float | bool]


class Shape(NamedTuple):
    """What a message with certain keys has for us: `size` point numbers, and how to get at their values."""

    point_nos: "array[int]"
    size: int
    pick: Callable[[dict[str, float | bool]], Iterable[float | bool]]


class NumbersLane:
    """`{"ts": …, "values": {"a": 1, "b": 2.5}}`, every value a number or a bool."""

    def __init__(self, rule: TelemetryRule, target: Target, share: Share) -> None:
        self.target = target
        self._decode = _decoder(rule)
        self._partition = target.entry.partition
        self._by_key = target.slots_of(share).by_key or {}
        self._known = target.top_keys if target.refuses_unmapped else None
        self._shapes: dict[tuple[str, ...], Shape | None] = {}

    def read(self, payload: bytes, flush: Flush, now_ms: int) -> bool:
        if len(payload) > MAX_PAYLOAD_BYTES:
            return False
        try:
            document = self._decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        values, ts_ms = document.values, document.ts
        keys = tuple(values)
        shape = self._shapes[keys] if keys in self._shapes else self._shape(keys)
        if shape is None:
            return False
        if ts_ms is None:
            ts_ms = now_ms
        elif not EARLIEST_MS <= ts_ms <= LATEST_MS:
            return False
        if shape.size:
            columns = flush.columns(self._partition)
            columns.value.extend(shape.pick(values))
            columns.point_no.extend(shape.point_nos)
            columns.moments.append(ts_ms)
            columns.runs.append(shape.size)
        return True

    def _shape(self, keys: tuple[str, ...]) -> Shape | None:
        if len(self._shapes) >= SHAPES_KEPT:
            self._shapes.clear()
        shape = None if self._known is not None and not self._known.issuperset(keys) else self._new_shape(keys)
        self._shapes[keys] = shape
        return shape

    def _new_shape(self, keys: tuple[str, ...]) -> Shape:
        wanted = [key for key in keys if key in self._by_key]
        point_nos = array("i", [self._by_key[key].point.point_no for key in wanted])
        return Shape(point_nos, len(wanted), _picker(wanted, of=keys))


class SilentLane:
    """A device of which this line has nothing to tell: the other line reads it."""

    target: Target | None = None

    def read(self, payload: bytes, flush: Flush, now_ms: int) -> bool:
        return True


class UnknownLane:
    """A device that the catalog does not know: read no further than its topic, once enough of it is kept."""

    target: Target | None = None

    def __init__(self, only_counts: Callable[[], bool]) -> None:
        self._only_counts = only_counts

    def read(self, payload: bytes, flush: Flush, now_ms: int) -> bool:
        return len(payload) <= MAX_PAYLOAD_BYTES and self._only_counts()


class GeneralLane:
    """A device whose messages take the general way always."""

    target: Target | None = None

    def read(self, payload: bytes, flush: Flush, now_ms: int) -> bool:
        return False


def unknown_device(routes: tuple[Route, ...], share: Share) -> tuple[str, str] | None:
    """Site's code and name of the device that the topic names, where that is all there is to say of its messages: the
    catalog does not know it. None too for the life-safety line, which leaves it to the other one."""
    if share is Share.LIFE_SAFETY or len(routes) != 1:
        return None
    route = routes[0]
    if route.device is None or route.target is not None or not isinstance(route.rule, TelemetryRule):
        return None
    return route.site_code, route.device


def lane_of(routes: tuple[Route, ...], share: Share) -> Lane | None:
    """The lane of a topic's messages that are not retained; None for a topic of no device we know."""
    targets = [route.target for route in routes]
    if not targets or None in targets:
        return None
    route = routes[0]
    assert route.target is not None
    if len(routes) > 1 or not isinstance(route.rule, TelemetryRule):
        return GeneralLane()
    if share is Share.LIFE_SAFETY:
        return GeneralLane() if route.target.has_life_safety else SilentLane()
    if not _is_usual(route.rule) or route.target.slots_of(share).by_key is None:
        return GeneralLane()
    # Their times have rules of their own, so life-safety points never take the short way.
    if share is Share.ALL and route.target.has_life_safety:
        return GeneralLane()
    return NumbersLane(route.rule, route.target, share)


def _is_usual(rule: TelemetryRule) -> bool:
    has_usual_time = rule.time is None or (len(rule.time.path) == 1 and rule.time.unit is TimeUnit.MILLISECONDS)
    return len(rule.values) == 1 and rule.only is None and not rule.devices_are_keys and has_usual_time


@cache
def _decoder(rule: TelemetryRule) -> Callable[[bytes], Document]:
    names = {"values": rule.values[0]}
    if rule.time is not None:
        names["ts"] = rule.time.path[0]
    fields: list[tuple[str, Any, Any]] = [("ts", int | None, None)] if rule.time is not None else []
    struct = msgspec.defstruct(
        "Document", [("values", dict[str, float | bool]), *fields], rename=names,
        namespace={} if rule.time is not None else {"ts": None},
    )  # fmt: skip
    return cast(Callable[[bytes], Document], msgspec.json.Decoder(struct).decode)


def _picker(wanted: list[str], *, of: tuple[str, ...]) -> Callable[[dict[str, float | bool]], Any]:
    """How to get the values of the wanted keys, in order, out of a message with the keys `of`."""
    if len(wanted) == len(of):
        return dict.values
    if len(wanted) > 1:
        return itemgetter(*wanted)
    return lambda values: [values[key] for key in wanted]
