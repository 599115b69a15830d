"""PostgreSQL through SQLAlchemy's async session on psycopg 3. Services never commit: the request or the job does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Self
from uuid import UUID

import psycopg
from sqlalchemy import DateTime, MetaData, Numeric, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from kit.pipelines import Pipelines

if TYPE_CHECKING:
    from kit.events import Outbox

# Stable constraint names, so that migrations and IntegrityError handling can name them.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


_DRIVER, _PIPELINE = "driver connection", "pipeline"


# A dead connection is noticed within about ten seconds: s, s, probes, ms, s.
LIVENESS = {
    "keepalives_idle": "5", "keepalives_interval": "2", "keepalives_count": "3", "tcp_user_timeout": "10000",
    "connect_timeout": "5",
}  # fmt: skip


class Base(DeclarativeBase):
    """Base of every table. Relationships, where a room has any, are declared `lazy="raise"`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text,
        UUID: Uuid,
        datetime: DateTime(timezone=True),
        Decimal: Numeric(14, 4),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: JSONB,
    }


class Database:
    """The engine and its sessions. Every session carries the outbox, so that `events.publish` finds it."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = async_url(url)
        # The last one given back is the next one taken: few connections do all the work while little is asked at once,
        # and only theirs learn tables and keep plans, a few MB each at the server.
        self.engine = create_async_engine(
            self.url, pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True, pool_use_lifo=True
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._pipelines = Pipelines(plain_url(url))
        # Bound to nothing: the ORM cannot be used in a pipeline, and says so.
        self._pipelined_sessions = async_sessionmaker(expire_on_commit=False)

    def use_outbox(self, outbox: "Outbox") -> None:
        self._sessions.configure(info={"outbox": outbox})
        self._pipelined_sessions.configure(info={"outbox": outbox})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.engine.dispose()
        await self._pipelines.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A session whose changes and events are committed together at the end, or not at all."""
        async with self._sessions() as session, session.begin():
            yield session

    @asynccontextmanager
    async def pipelined_transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction that is a pipeline from end to end (`pipelined`), for those who cannot wait.

        BEGIN goes out with the first statements and COMMIT with the last: on a busy loop each answer waited for costs
        more than the statement. What fails, the commit too, is raised as the driver's error. A connection that the
        server has closed meanwhile is found out by the first answer waited for: only for those who try again.
        Statements go over the `driver_connection`; the ORM raises.
        """
        async with self._pipelines.transaction() as (connection, pipeline):
            # Never closed, which would be a turn of the loop before COMMIT: it has no connection of its own.
            session = self._pipelined_sessions()
            session.info.update({_DRIVER: (None, connection), _PIPELINE: pipeline})
            yield session


def async_url(url: str) -> str:
    """A PostgreSQL URL with the psycopg driver named; other databases are refused."""
    parsed = make_url(url)
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ValueError(f"HUB_DATABASE_URL must start with postgresql:// (it starts with {parsed.drivername}://)")
    return _lively(parsed).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def plain_url(url: str) -> str:
    """The same URL as libpq and procrastinate want it."""
    return _lively(make_url(url)).set(drivername="postgresql").render_as_string(hide_password=False)


def _lively(url: URL) -> URL:
    """The URL with libpq's own deadlines, where it does not say others.

    Without them a connection whose other end vanished (a partition, a machine that lost power) keeps whoever waits on
    it for as long as the kernel repeats its packets: a quarter of an hour, or two hours.
    """
    return url.update_query_dict({name: value for name, value in LIVENESS.items() if name not in url.query})


async def driver_connection(session: AsyncSession) -> psycopg.AsyncConnection[Any]:
    """The psycopg connection under a session: what is done on it is in the session's transaction."""
    transaction = session.sync_session.get_transaction()
    known: tuple[object, psycopg.AsyncConnection[Any]] | None = session.info.get(_DRIVER)
    if known is not None and known[0] is transaction:
        return known[1]
    raw = await (await session.connection()).get_raw_connection()
    connection = raw.driver_connection
    assert isinstance(connection, psycopg.AsyncConnection)
    # Asked many times in a transaction, and SQLAlchemy's way to it is long.
    session.info[_DRIVER] = session.sync_session.get_transaction(), connection
    return connection


@asynccontextmanager
async def pipelined(session: AsyncSession) -> AsyncIterator[None]:
    """Statements go out without waiting for the answers of those before; whoever fetches an answer waits for all.

    For statements on the driver's connection (`kit.rows`): the ORM cannot wait for answers, so what it has to write is
    written first. What fails is raised, as the driver's error, by a fetch or at the end of the block; inside another
    pipeline, at the end of that one.
    """
    connection = await driver_connection(session)
    if connection.info.pipeline_status is not psycopg.pq.PipelineStatus.OFF:
        yield
        return
    await session.flush()
    try:
        async with connection.pipeline() as session.info[_PIPELINE]:
            yield
    finally:
        session.info.pop(_PIPELINE, None)


async def answered(session: AsyncSession) -> None:
    """Waits for the answers to all that a pipeline has sent: call it before a fetch while there is more to send.

    A fetch would do that too, but leave the server in the middle of a pipeline, where it takes no notice of a client
    that has stopped: this tells it that the transaction rests (`kit.pipelines.IDLE_IN_TRANSACTION`).
    """
    pipeline: psycopg.AsyncPipeline | None = session.info.get(_PIPELINE)
    if pipeline is not None:
        await pipeline.sync()
