"""What detectors said is added up in the database, however often the line gives it."""

from datetime import UTC, datetime, timedelta

import pytest

from kit.clock import to_ms
from kit.db import Database
from predictive.health import repository
from predictive.health.book import HealthBook
from predictive.health.tally import EvidenceSum
from tests.alarms.place import Place, small_site

SINCE = datetime(2026, 11, 22, 6, tzinfo=UTC)


def said(place: Place, code: str, *, excess: float, shares: dict[str, float]) -> EvidenceSum:
    return EvidenceSum(
        place.equipment_id(code), place.site_id, to_ms(SINCE), 10, excess, 1 + excess, 2, shares
    )  # fmt: skip


async def test_what_is_given_in_parts_is_kept_as_a_sum(database: Database) -> None:
    place = await small_site(database)
    book = HealthBook()
    first = [
        said(place, "PUMP-01", excess=3.0, shares={"flow": 1.0}),
        said(place, "PUMP-02", excess=0.0, shares={}),
    ]  # fmt: skip
    for sums in (first, [said(place, "PUMP-01", excess=1.0, shares={"flow": 0.5, "temp": 0.5})], []):
        async with database.transaction() as session:
            await book.keep(session, sums)
    async with database.transaction() as session:
        found = await repository.evidence(session, place.site_id, since=SINCE - timedelta(hours=6))
        later = await repository.evidence(session, place.site_id, since=SINCE + timedelta(hours=6))
    (kept,) = found[place.equipment_id("PUMP-01")]
    assert (kept.rows, kept.excess, kept.highest, kept.above) == (20, 4.0, 4.0, 4)
    assert kept.shares == pytest.approx({"flow": 3.5 / 4, "temp": 0.5 / 4})
    assert found[place.equipment_id("PUMP-02")][0].shares == {}
    assert later == {}
