"""Why something is predicted, in words of both languages, made of the figures that it was predicted from."""

from collections.abc import Mapping
from math import floor

from building.profile import DeviceProfile, PointSpec
from catalog.directory import EquipmentEntry
from kit.i18n import Language, Texts
from predictive.predictions.finding import DaysLeft, Manner, Method, PointEvidence
from predictive.predictions.voices import Chorus, Voice

# More points are shown on the page, not said in a sentence.
MOST_POINTS = 2
# Less than that is the sensor's own noise and said by nobody.
_LEAST_CHANGE = 0.02
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_KEY = "predictive.prediction"


class Reasons:
    def __init__(self, texts: Texts, profiles: Mapping[str, DeviceProfile]) -> None:
        self._texts = texts
        self._profiles = profiles

    def of(self, entry: EquipmentEntry, mode: str, chorus: Chorus) -> dict[str, str]:
        """“Bearing wear: drive-end vibration 4.1 mm/s, up 38 % in 9 days; its peers have 2.6–3.0; 10–24 days left”, by
        language code. What is not known is left out."""
        return {language.value: self._sentence(entry, mode, chorus, language) for language in Language}

    def mode(self, mode: str, language: Language) -> str:
        """What a mode is called; its key where nobody has given it a name."""
        key = f"{_KEY}.mode.{mode}"
        return self._texts.text(key, language) if key in self._texts.keys(language) else mode.replace("_", " ")

    # --- inside ----------------------------------------------------------------------------------------------------

    def _sentence(self, entry: EquipmentEntry, mode: str, chorus: Chorus, language: Language) -> str:
        lead = chorus.lead
        waste = self._waste(chorus, language)
        colon, semicolon = ("：", "；") if language is Language.ZH else (": ", "; ")
        if lead.method is Method.CONSUMPTION and (of_meter := self._meter(entry, mode, lead, language)):
            return self.mode(mode, language) + colon + semicolon.join(part for part in (of_meter, waste) if part)
        parts = [self._point(entry, one, lead.at_ms, language) for one in lead.points[:MOST_POINTS]]
        if lead.points:
            parts.append(self._peers(entry, lead.points[0], language))
        parts.append(self._left(chorus.days_left, language))
        parts.append(waste)
        said = [part for part in parts if part]
        if not said:
            key = "unusual_meter" if lead.method is Method.CONSUMPTION else "unusual_behaviour"
            said = [self._texts.text(f"{_KEY}.{key}", language, times=f"{lead.score:.1f}")]
        return self.mode(mode, language) + colon + semicolon.join(said)

    def _waste(self, chorus: Chorus, language: Language) -> str:
        if not chorus.waste_a_day:
            return ""
        return self._texts.text(f"{_KEY}.waste", language, waste=f"{chorus.waste_a_day:.0f}")

    def _meter(self, entry: EquipmentEntry, mode: str, lead: Voice, language: Language) -> str:
        """What a meter's count is a sign of is said in the words of that sign; nothing where it has none."""
        key = f"{_KEY}.meter.{mode}"
        if key not in self._texts.keys(language) or not lead.points:
            return ""
        point = lead.points[0]
        register = entry.points.get(point.point_key)
        unit = register.unit if register else ""
        return self._texts.text(
            key, language, value=_amount(point.value, unit), usual=_amount(point.usual, unit),
            span=self._span(lead.at_ms - (point.since_ms or lead.at_ms), language),
        )  # fmt: skip

    def _point(self, entry: EquipmentEntry, point: PointEvidence, at_ms: int, language: Language) -> str:
        if point.value is None:
            return ""
        if point.manner is not Manner.LEVEL:
            return self._manner(entry, point, language)
        now = self._texts.text(
            f"{_KEY}.value", language, point=self._name(entry, point.point_key, language),
            value=self._figure(entry, point.point_key, point.value, with_unit=True),
        )  # fmt: skip
        change = point.change
        if change is None or abs(change) < _LEAST_CHANGE:
            return now
        key = "up" if change > 0 else "down"
        said = self._texts.text(
            f"{_KEY}.{key}", language, percent=f"{abs(change) * 100:.0f}",
            span=self._span(at_ms - (point.since_ms or at_ms), language),
        )  # fmt: skip
        return now + said

    def _manner(self, entry: EquipmentEntry, point: PointEvidence, language: Language) -> str:
        """Unrest is no value of the point, and is not said as one; what the figures people see do not show is said
        without."""
        if point.usual is None or point.value is None:
            return ""
        value = self._measured(entry, point, point.value, with_unit=True)
        usual = self._measured(entry, point, point.usual, with_unit=True)
        name = self._name(entry, point.point_key, language)
        if value == usual:
            return self._texts.text(f"{_KEY}.manner.small", language, point=name)
        return self._texts.text(
            f"{_KEY}.manner.{point.manner.value}", language, point=name, value=value, usual=usual
        )  # fmt: skip

    def _peers(self, entry: EquipmentEntry, point: PointEvidence, language: Language) -> str:
        if point.value is None or point.peers_low is None or point.peers_high is None:
            return ""
        low = self._measured(entry, point, point.peers_low)
        high = self._measured(entry, point, point.peers_high)
        if point.manner is not Manner.LEVEL and low == high == self._measured(entry, point, point.value):
            return ""
        return self._texts.text(f"{_KEY}.peers", language, range=low if low == high else f"{low}–{high}")

    def _left(self, left: DaysLeft | None, language: Language) -> str:
        if left is None:
            return ""
        low, high = floor(left.low), max(floor(left.high), 1)
        return self._texts.text(f"{_KEY}.left", language, range=str(high) if low == high else f"{low}–{high}")

    def _span(self, span_ms: int, language: Language) -> str:
        is_days = span_ms >= _DAY_MS
        count = max(round(span_ms / (_DAY_MS if is_days else _HOUR_MS)), 1)
        key = ("days" if is_days else "hours") if count > 1 else ("day" if is_days else "hour")
        return self._texts.text(f"{_KEY}.{key}", language, count=count)

    def _name(self, entry: EquipmentEntry, key: str, language: Language) -> str:
        spec = self._spec(entry, key)
        return spec.name.get(language.value, key) if spec else key

    def _measured(self, entry: EquipmentEntry, point: PointEvidence, value: float, *, with_unit: bool = False) -> str:
        if point.manner is Manner.SHARE:
            return f"{value:.0%}"
        return self._figure(entry, point.point_key, value, with_unit=with_unit)

    def _figure(self, entry: EquipmentEntry, key: str, value: float, *, with_unit: bool = False) -> str:
        spec, point = self._spec(entry, key), entry.points.get(key)
        figure = f"{value:.{spec.decimals if spec else 2}f}"
        unit = point.unit if point else ""
        return f"{figure} {unit}".strip() if with_unit else figure

    def _spec(self, entry: EquipmentEntry, key: str) -> PointSpec | None:
        profile = self._profiles.get(entry.profile_key)
        return profile.points.get(key) if profile else None


def _amount(value: float | None, unit: str) -> str:
    """Small volumes in litres: nobody sees five litres in 0.005 m³."""
    if value is None:
        return "–"
    if unit == "m³" and abs(value) < 1:
        value, unit = value * 1000, "L"
    digits = 0 if abs(value) >= 100 else 1
    return f"{value:.{digits}f} {unit}".strip()
