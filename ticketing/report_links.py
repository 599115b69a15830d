"""Links in messages to owners: each opens one report, without a log-in, for as long as it is valid."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import jwt

from kit.clock import Clock
from ticketing.errors import ReportLinkRefused

ALGORITHM = "HS256"
USE = "report"
# Longer than a report stays of interest, short enough that an old chat opens nothing.
LIFETIME = timedelta(days=60)


class ReportLinks:
    """Makes and reads links. A link is all that its holder shows, so it names one report and nothing else."""

    def __init__(self, *, secret: str, clock: Clock) -> None:
        self._secret = secret
        self._clock = clock

    def path(self, report_id: UUID) -> str:
        """A path of the web face that shows this report for the next 60 days."""
        expires_at = self._clock.now() + LIFETIME
        payload = {"sub": str(report_id), "use": USE, "exp": expires_at}
        return f"/o/reports/{jwt.encode(payload, self._secret, algorithm=ALGORITHM)}"

    def report_of(self, token: str) -> UUID:
        """The report that a link's token opens now. Raises ReportLinkRefused: expired, forged, or none of ours."""
        # Time is checked by the hub's own clock, below.
        options = {"verify_exp": False, "require": ["sub", "use", "exp"]}
        try:
            payload = jwt.decode(token, self._secret, algorithms=[ALGORITHM], options=options)  # type: ignore[arg-type]
            expires_at = datetime.fromtimestamp(payload["exp"], UTC)
            report_id = UUID(payload["sub"])
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError, OSError):
            raise ReportLinkRefused from None
        if payload["use"] != USE or expires_at <= self._clock.now():
            raise ReportLinkRefused
        return report_id
