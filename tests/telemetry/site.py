"""A small directory to admit readings against: a pump, a smoke sensor, and a pump of another site."""

from building.equipment import EquipmentKind
from building.point import PointKind, Reporting, ReportingMode
from catalog.directory import Directory, EquipmentEntry, PointEntry
from kit.ids import new_id

HERE, ELSEWHERE = new_id(), new_id()
TEMP, RUNNING, SMOKE, OTHER_TEMP = 11, 12, 21, 31


def point(point_no: int, key: str, *, low: float, high: float, life_safety: bool = False) -> PointEntry:
    reporting = Reporting(ReportingMode.PERIODIC, 10.0)
    return PointEntry(point_no, key, PointKind.SENSOR, "°C" if "temp" in key else "", low, high, reporting, life_safety)


def equipment(
    code: str, *points: PointEntry, site: str = "yunqi", profile: str = "grundfos-cim-pump"
) -> EquipmentEntry:
    return EquipmentEntry(
        equipment_id=new_id(), site_id=HERE if site == "yunqi" else ELSEWHERE, site_code=site, code=code, name=code,
        kind=EquipmentKind.PUMP, profile_key=profile, protocol="mqtt", external_id=code, address={}, partition=1,
        parent_id=None, building_id=None, in_service=True, points={point.key: point for point in points},
    )  # fmt: skip


PUMP = equipment(
    "PUMP-01", point(TEMP, "bearing_temp_c", low=-40, high=180), point(RUNNING, "running", low=-0.5, high=1.5)
)
DETECTOR = equipment("SMOKE-001", point(SMOKE, "smoke", low=-0.5, high=1.5, life_safety=True), profile="nbiot-smoke")
OTHER_PUMP = equipment("PUMP-99", point(OTHER_TEMP, "bearing_temp_c", low=-40, high=180), site="other")

DIRECTORY = Directory.of(1, [PUMP, DETECTOR, OTHER_PUMP])
