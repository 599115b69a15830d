"""One MQTT message → readings, links, unknown devices, refusals. Pure but for the router's cache."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from building.reading import Reading
from catalog.directory import EquipmentEntry
from device_adapters.mqtt.dialect import StatusRule, TelemetryRule
from device_adapters.mqtt.message import Message
from device_adapters.mqtt.payload import MAX_PAYLOAD_BYTES, Sample, decode_json, find, is_missing, samples, to_ts_ms
from device_adapters.mqtt.routing import Route, Router, Share, Slot, Slots, Target
from device_adapters.refusals import UnknownMessage
from device_adapters.values import Reason, Refusal, to_reading


@dataclass(slots=True)
class Translation:
    """What a message said. `links` are (equipment, up). `entry` is the equipment that refusals are about, if known.

    `is_foreign`: the topic belongs to no dialect.
    """

    entries: list[tuple[EquipmentEntry, list[Reading]]] = field(default_factory=list)
    links: list[tuple[EquipmentEntry, bool]] = field(default_factory=list)
    unknown: list[UnknownMessage] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    entry: EquipmentEntry | None = None
    is_foreign: bool = False


class Translator:
    """Reads the messages of one broker with the profiles' dialects."""

    def __init__(self, router: Router, *, broker: str) -> None:
        self._router = router
        self._broker = broker

    def translate(self, message: Message, *, share: Share, now_ms: int) -> Translation:
        result = Translation()
        routes = self._router.routes(message.topic)
        if len(message.payload) > MAX_PAYLOAD_BYTES:
            # The topic alone says whose it is, so that the people of that site see it among their dead letters.
            if share is not Share.LIFE_SAFETY:
                result.entry = next((route.target.entry for route in routes if route.target is not None), None)
            detail = f"{len(message.payload)} bytes; at most {MAX_PAYLOAD_BYTES} are read"
            self._refuse_message(Refusal(Reason.TOO_LARGE, detail), result, share)
            return result
        result.is_foreign = not routes
        for route in routes:
            if isinstance(route.rule, StatusRule):
                if share is not Share.LIFE_SAFETY:
                    self._read_status(route, route.rule, message, result)
            else:
                self._read_telemetry(route, route.rule, message, result, share=share, now_ms=now_ms)
        return result

    # --- telemetry -----------------------------------------------------------------------------------------------

    def _read_telemetry(
        self, route: Route, rule: TelemetryRule, message: Message, result: Translation, *, share: Share, now_ms: int
    ) -> None:
        if route.device is not None:
            if route.target is None:
                self._note_unknown(route.site_code, route.device, message, result, share)
                return
            if share is Share.LIFE_SAFETY and not route.target.has_life_safety:
                return  # before any JSON is read: most messages of a building are no matter of life and death
            result.entry = route.target.entry
        document = decode_json(message.payload)
        if isinstance(document, Refusal):
            self._refuse_message(document, result, share)
            return
        for sample in samples(rule, document):
            if isinstance(sample, Refusal):
                self._refuse_message(sample, result, share)
                continue
            target = route.target or self._named(route, rule, sample, message, result, share)
            if target is not None:
                self._read_sample(target, rule, sample, message, result, share=share, now_ms=now_ms)

    def _named(
        self, route: Route, rule: TelemetryRule, sample: Sample, message: Message, result: Translation, share: Share
    ) -> Target | None:
        assert sample.device is not None
        target = self._router.target(rule, site_code=route.site_code, device=sample.device)
        if target is None:
            self._note_unknown(route.site_code, sample.device, message, result, share)
        return target

    def _read_sample(
        self,
        target: Target,
        rule: TelemetryRule,
        sample: Sample,
        message: Message,
        result: Translation,
        *,
        share: Share,
        now_ms: int,
    ) -> None:
        ts_ms = to_ts_ms(rule.time, sample.time, zone=target.zone)
        bad_time = isinstance(ts_ms, Refusal)
        if isinstance(ts_ms, Refusal):
            self._refuse_message(ts_ms, result, share)
            ts_ms = None
        timeless = ts_ms is None
        readings: list[Reading] = []
        for slot, raw in _found(target.slots_of(share), sample.values):
            # An ordinary point with a wrong time is refused; a retained one without a time is of any age, so not "now".
            if not slot.point.life_safety and (bad_time or (timeless and message.retained)):
                continue
            reading = to_reading(slot.point, raw, ts_ms=ts_ms, now_ms=now_ms, words=slot.words)
            if isinstance(reading, Refusal):
                result.refusals.append(reading)
            else:
                readings.append(reading)
        if target.refuses_unmapped and share is not Share.LIFE_SAFETY:
            _refuse_unmapped(target, sample.values, result)
        if readings:
            result.entries.append((target.entry, readings))
        if not message.retained and share is not Share.LIFE_SAFETY:
            result.links.append((target.entry, True))

    # --- status --------------------------------------------------------------------------------------------------

    def _read_status(self, route: Route, rule: StatusRule, message: Message, result: Translation) -> None:
        if route.target is not None:
            result.entry = route.target.entry
        text = message.payload[:1000].decode("utf-8", errors="replace").strip().strip('"')
        document = decode_json(message.payload) if text.startswith("{") else None
        if isinstance(document, Refusal):
            result.refusals.append(document)
            return
        is_up = _is_up(rule, text, document)
        if is_up is None:
            if not rule.covers_all:
                result.refusals.append(Refusal(Reason.BAD_VALUE, f"status {text[:60]!r} is no word of this profile"))
            return
        if rule.covers_all:
            result.links += [(entry, is_up) for entry in self._router.covered()]
            return
        device = route.device if route.device is not None else find(document, rule.device)
        if not isinstance(device, str):
            result.refusals.append(Refusal(Reason.BAD_SHAPE, f"{'.'.join(rule.device)} must name the device"))
            return
        target = route.target or self._router.target(rule, site_code=route.site_code, device=device)
        if target is None:
            self._note_unknown(route.site_code, device, message, result, Share.ORDINARY)
        else:
            result.entry = target.entry
            result.links.append((target.entry, is_up))

    # --- what both lines see is told by one ------------------------------------------------------------------------

    def _note_unknown(self, site_code: str, device: str, message: Message, result: Translation, share: Share) -> None:
        if share is not Share.LIFE_SAFETY:
            result.unknown.append(
                UnknownMessage("mqtt", self._broker, site_code, device, message.topic, message.payload)
            )

    def _refuse_message(self, refusal: Refusal, result: Translation, share: Share) -> None:
        if share is not Share.LIFE_SAFETY:
            result.refusals.append(refusal)


def _found(slots: Slots, values: Mapping[str, Any]) -> Iterator[tuple[Slot, Any]]:
    """The points a sample has something for."""
    if slots.by_key is not None:
        by_key = slots.by_key
        for key, raw in values.items():
            slot = by_key.get(key)
            if slot is not None:
                yield slot, raw
        return
    for paths, slot in slots.by_path:
        for path in paths:
            raw = find(values, path)
            if not is_missing(raw):
                yield slot, raw
                break


def _refuse_unmapped(target: Target, values: Mapping[str, Any], result: Translation) -> None:
    unknown = [key for key in values if key not in target.top_keys]
    if unknown:
        named = ", ".join(unknown[:10])[:200]
        result.refusals.append(Refusal(Reason.UNKNOWN_POINT, f"{target.entry.code} has no point {named}"))


def _is_up(rule: StatusRule, text: str, document: Any) -> bool | None:
    if rule.always is not None:
        return rule.always
    if document is not None:
        found = find(document, rule.path)
        text = found if isinstance(found, str) else str(found).lower()
    if text in rule.up:
        return True
    return False if text in rule.down else None
