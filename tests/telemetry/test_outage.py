"""An outage of the telemetry server is one line in the log, and its end another."""

import pytest
from structlog.testing import capture_logs

from telemetry.errors import QueryTooSlow, StoreRefused, StoreUnavailable, StoreUnreachable
from telemetry.outage import Outage


def ask(outage: Outage, failure: Exception | None) -> None:
    with outage.refused():
        if failure is not None:
            raise failure


def test_an_outage_is_said_once_and_so_is_its_end() -> None:
    outage = Outage()
    with capture_logs() as lines:
        for failure in (StoreUnreachable("away"), TimeoutError(), StoreRefused("wrong account")):
            with pytest.raises(StoreUnavailable):
                ask(outage, failure)
        for _ in range(2):
            ask(outage, None)
        with pytest.raises(StoreUnavailable):
            ask(outage, StoreUnreachable("away again"))
    assert [(line["event"], line.get("error")) for line in lines] == [
        ("telemetry store does not answer", "away"),
        ("telemetry store answers again", None),
        ("telemetry store does not answer", "away again"),
    ]


def test_a_slow_question_is_no_outage() -> None:
    with capture_logs() as lines, pytest.raises(QueryTooSlow):
        ask(Outage(), QueryTooSlow(deadline_s=1.0))
    assert lines == []
