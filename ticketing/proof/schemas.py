"""Wire shapes of proof."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from kit.http import Schema
from ticketing.proof.models import OrderProof
from ticketing.proof.verdict import Doubt, Proof

_EXAMPLE: JsonDict = {
    "id": "0198b5a0-0000-7000-8000-000000000701",
    "attempt": 1,
    "verdict": "refuted",
    "doubt": None,
    "began_at": "2026-11-22T04:00:00Z",
    "in_band_since": None,
    "decided_at": "2026-11-22T04:30:00Z",
    "chart": [
        {
            "key": "bearing_temp_c", "name": {"zh-CN": "轴承温度", "en": "Bearing temperature"}, "unit": "°C",
            "decimals": 1, "at": ["2026-11-22T03:30:00Z", "2026-11-22T03:30:30Z"], "avg": [84.1, None],
            "low": [83.9, None], "high": [84.3, None], "bad": [0, 3],
        }
    ],
}  # fmt: skip


class ChartLineOut(Schema):
    """A point in buckets, oldest first: columns of equal length, null where nothing was read. `name` by language."""

    key: str
    name: dict[str, str]
    unit: str
    decimals: int
    at: list[datetime]
    avg: list[float | None]
    low: list[float | None]
    high: list[float | None]
    bad: Annotated[list[int], Field(description="readings without a value, by bucket")]


class ProofOut(Schema):
    """What telemetry said of one attempt at an order."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    attempt: int
    verdict: Proof
    doubt: Annotated[Doubt | None, Field(description="why telemetry proves nothing; of what is unproved")]
    began_at: Annotated[datetime, Field(description="when the work was said to be done")]
    in_band_since: datetime | None
    decided_at: datetime
    chart: Annotated[list[ChartLineOut] | None, Field(description="null until the readings have been fetched")]

    @classmethod
    def of(cls, row: OrderProof) -> "ProofOut":
        return cls.model_validate(row)
