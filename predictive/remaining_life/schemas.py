"""Wire shapes of remaining lives."""

from datetime import date, datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class RemainingLifeOut(BaseModel):
    """What is left by one mode of failure. 80 % of what may happen lies between `days_low` and `days_high`, counted
    from `told_at`; values are in the unit of the point (of the mode `unusual`: in thresholds of drift)."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [{
                "equipment_id": "019a0000-0000-7000-8000-000000000001", "mode": "bearing_wear", "day": "2026-05-06",
                "told_at": "2026-05-05T16:00:00Z", "point_key": "vibration_mm_s", "share": 0.8, "days_low": 10.0,
                "days_mid": 16.0, "days_high": 24.0, "confidence": 0.97, "value": 4.1, "usual": 3.0,
                "level_at_failure": 7.1, "speed_a_day": 0.12, "since_at": "2026-04-26T16:00:00Z", "peers_low": 2.6,
                "peers_high": 3.0,
            }]
        },
    )  # fmt: skip

    equipment_id: UUID
    mode: str
    day: date
    told_at: datetime
    point_key: str | None
    share: float
    days_low: float
    days_mid: float
    days_high: float
    confidence: float
    value: float
    usual: float
    level_at_failure: float
    speed_a_day: float
    since_at: datetime
    peers_low: float | None
    peers_high: float | None
