"""`hub audit verify`."""

from audit.chain import Head
from audit.verification import Verdict, verify
from hub.infrastructure import with_database
from hub.settings import HubSettings
from kit.clock import SystemClock
from kit.db import Database


async def verify_audit(settings: HubSettings, head: str) -> Verdict:
    """The chain of this hub's database, running or not. `head`: POSITION:DIGEST, or empty. Raises BadHead."""
    known = Head.parse(head) if head else None
    async with with_database(settings) as url, Database(url) as database, database.transaction() as session:
        return await verify(session, SystemClock(), known=known)
