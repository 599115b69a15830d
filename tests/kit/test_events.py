"""Events become jobs in the transaction of the data they speak of."""

import asyncio
from uuid import UUID

import msgspec
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from kit import events
from kit.db import Database, driver_connection
from kit.events import LIVE_CHANNEL, Event, JobOutbox, on
from kit.ids import new_id
from kit.jobs import JobKind, JobRunner, defer, new_app
from kit.sweeps import Sweep
from tests.conftest import LIVENESS_S
from tests.statements import statements_of


class DoorOpened(Event, frozen=True, kw_only=True):
    door_id: UUID
    by: str


class DoorClosed(DoorOpened, frozen=True, kw_only=True):
    is_locked: bool


class Listener:
    """Counts what it is told; fails as often as it is asked to."""

    def __init__(self, *, failures: int = 0) -> None:
        self.heard: list[DoorOpened] = []
        self.failures = failures
        self.calls = 0

    async def on_door_opened(self, session: AsyncSession, event: DoorOpened) -> None:
        self.calls += 1
        if self.calls <= self.failures:
            raise RuntimeError("not yet")
        self.heard.append(event)


def event(**changes: object) -> DoorOpened:
    return DoorOpened(**{"site_id": new_id(), "door_id": new_id(), "by": "张工", **changes})  # type: ignore[arg-type]


async def eventually(condition: object) -> None:
    async with asyncio.timeout(LIVENESS_S):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)


async def test_a_handler_runs_after_commit_with_the_event_as_it_was(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened)]
    database.use_outbox(JobOutbox(app, subscriptions))
    runner = JobRunner(app, database, subscriptions=subscriptions)
    sent = event()
    async with app.open_async(), runner.running():
        async with database.transaction() as session:
            await events.publish(session, sent)
        await eventually(lambda: listener.heard)
    assert listener.heard == [sent]


async def test_one_handler_hears_of_two_events_each_as_what_it_is(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened), on(DoorClosed, listener.on_door_opened)]
    database.use_outbox(JobOutbox(app, subscriptions))
    runner = JobRunner(app, database, subscriptions=subscriptions)
    opened, closed = event(), DoorClosed(site_id=new_id(), door_id=new_id(), by="李工", is_locked=True)
    async with app.open_async(), runner.running():
        async with database.transaction() as session:
            await events.publish(session, opened, closed)
        await eventually(lambda: len(listener.heard) == 2)
    assert sorted(listener.heard, key=lambda heard: heard.by) == sorted([opened, closed], key=lambda sent: sent.by)


async def test_a_job_of_an_earlier_release_names_the_handler_alone(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened), on(DoorClosed, listener.on_door_opened)]
    runner = JobRunner(app, database, subscriptions=subscriptions)
    sent = event()
    async with app.open_async(), runner.running():
        async with database.transaction() as session:
            name = subscriptions[0].name
            await defer(session, app, events.DELIVER, handler=name, event=msgspec.to_builtins(sent))
        await eventually(lambda: listener.heard)
    assert listener.heard == [sent]


async def test_nothing_is_heard_of_a_rolled_back_change(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened)]
    database.use_outbox(JobOutbox(app, subscriptions))
    runner = JobRunner(app, database, subscriptions=subscriptions)
    async with app.open_async(), runner.running():
        with pytest.raises(RuntimeError):
            async with database.transaction() as session:
                await events.publish(session, event(by="rolled back"))
                raise RuntimeError("no")
        async with database.transaction() as session:
            await events.publish(session, event(by="kept"))
        await eventually(lambda: listener.heard)
    assert [heard.by for heard in listener.heard] == ["kept"]


async def test_a_failing_handler_is_tried_again(database: Database) -> None:
    listener, app = Listener(failures=1), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened)]
    database.use_outbox(JobOutbox(app, subscriptions))
    runner = JobRunner(app, database, subscriptions=subscriptions)
    async with app.open_async(), runner.running():
        async with database.transaction() as session:
            await events.publish(session, event())
        await eventually(lambda: listener.heard)
    assert listener.calls == 2


async def test_life_safety_has_a_queue_of_its_own(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    database.use_outbox(JobOutbox(app, [on(DoorOpened, listener.on_door_opened)]))
    async with app.open_async(), database.transaction() as session:
        await events.publish(session, event(life_safety=True))
        await events.publish(session, event())
        found = await session.execute(text("SELECT queue_name FROM procrastinate_jobs ORDER BY id"))
        assert found.scalars().all() == ["life_safety", "default"]


async def test_an_event_whose_handler_has_nothing_to_do_becomes_no_job(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    rings = on(DoorOpened, listener.on_door_opened, when=lambda event: event.by == "nobody")
    database.use_outbox(JobOutbox(app, [rings]))
    async with app.open_async(), database.transaction() as session:
        await events.publish(session, event(by="张工"), event(by="nobody"), event(by="李工"))
        found = await session.execute(text("SELECT args -> 'event' ->> 'by' FROM procrastinate_jobs"))
        assert found.scalars().all() == ["nobody"]


async def test_many_events_take_as_many_statements_as_one(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    database.use_outbox(JobOutbox(app, [on(DoorOpened, listener.on_door_opened)]))
    async with app.open_async(), database.transaction() as session:
        connection = await driver_connection(session)
        with statements_of(connection) as statements:
            await events.publish(session, *(event(by=str(number)) for number in range(100)))
        assert len(statements) == 2
        found = await session.execute(text("SELECT args -> 'event' ->> 'by' FROM procrastinate_jobs ORDER BY id"))
        assert found.scalars().all() == [str(number) for number in range(100)]


async def test_open_screens_hear_ids_only(database: Database) -> None:
    import json

    import psycopg

    from kit.db import plain_url

    app = new_app(database.url)
    database.use_outbox(JobOutbox(app, []))
    sent = event()
    async with (
        app.open_async(),
        await psycopg.AsyncConnection.connect(plain_url(database.url), autocommit=True) as connection,
    ):
        await connection.execute(f"LISTEN {LIVE_CHANNEL}")
        async with database.transaction() as session:
            await events.publish(session, sent)
        notices = [notice async for notice in connection.notifies(timeout=LIVENESS_S, stop_after=1)]
    assert json.loads(notices[0].payload) == {
        "event": "DoorOpened",
        "site_id": str(sent.site_id),
        "door_id": str(sent.door_id),
    }


async def test_deferred_calls_and_sweeps_run(database: Database) -> None:
    done: list[str] = []

    async def call(session: AsyncSession, *, words: str) -> None:
        done.append(words)

    async def sweep(session: AsyncSession) -> None:
        done.append("swept")

    app = new_app(database.url)
    runner = JobRunner(
        app, database, jobs=[JobKind("tests.say", call)], sweeps=[Sweep("tests.sweep", "* * * * * *", sweep)]
    )
    async with app.open_async(), runner.running():
        async with database.transaction() as session:
            await defer(session, app, "tests.say", words="hello")
        await eventually(lambda: {"hello", "swept"} <= set(done))


async def test_a_job_whose_worker_died_is_put_back(database: Database) -> None:
    done: list[str] = []

    async def call(session: AsyncSession, *, words: str) -> None:
        done.append(words)

    app = new_app(database.url)
    runner = JobRunner(app, database, jobs=[JobKind("tests.say", call)])
    async with app.open_async():
        async with database.transaction() as session:
            await defer(session, app, "tests.say", words="again")
            # What a worker leaves that took the job and was killed a minute ago.
            await session.execute(
                text(
                    "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) "
                    "VALUES (now() - interval '1 minute') RETURNING id) "
                    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM gone)"
                )
            )
        assert await runner.rescue_stalled() == 1
        async with runner.running():
            await eventually(lambda: done == ["again"])


async def test_a_job_that_died_while_its_like_waits_keeps_no_job_from_being_put_back(database: Database) -> None:
    done: list[str] = []

    async def call(session: AsyncSession, *, words: str) -> None:
        done.append(words)

    app = new_app(database.url)
    runner = JobRunner(app, database, jobs=[JobKind("tests.say", call)])
    async with app.open_async():
        once = app.configure_task("tests.say", queueing_lock="once")
        await once.defer_async(words="once")
        async with database.transaction() as session:
            await defer(session, app, "tests.say", words="again")
            await session.execute(
                text(
                    "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) "
                    "VALUES (now() - interval '1 minute') RETURNING id) "
                    "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM gone)"
                )
            )
        await once.defer_async(words="once")
        assert await runner.rescue_stalled() == 2
        assert await runner.rescue_stalled() == 0
        async with runner.running():
            await eventually(lambda: sorted(done) == ["again", "once"])


async def test_workers_go_on_after_the_database_cut_their_connections(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    subscriptions = [on(DoorOpened, listener.on_door_opened)]
    database.use_outbox(JobOutbox(app, subscriptions))
    async with app.open_async(), JobRunner(app, database, subscriptions=subscriptions).running():
        async with database.transaction() as session:
            await events.publish(session, event())
        await eventually(lambda: len(listener.heard) == 1)
        async with database.transaction() as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        async with database.transaction() as session:
            await events.publish(session, event())
        await eventually(lambda: len(listener.heard) == 2)


async def test_a_failure_before_it_in_a_pipeline_is_told_as_the_drivers_own(database: Database) -> None:
    listener, app = Listener(), new_app(database.url)
    database.use_outbox(JobOutbox(app, [on(DoorOpened, listener.on_door_opened)]))
    async with app.open_async():
        for refused in (b"SELECT 1 / 0", b"INSERT INTO alembic_version SELECT * FROM alembic_version"):
            with pytest.raises(psycopg.Error):
                async with database.pipelined_transaction() as session:
                    await (await driver_connection(session)).execute(refused)
                    await events.publish(session, event())


async def test_an_event_has_one_id_for_all_its_handlers_and_hands_on_what_set_it_off(database: Database) -> None:
    origins: dict[str, list[events.Origin]] = {"first": [], "second": []}

    async def first(session: AsyncSession, told: DoorOpened) -> None:
        origins["first"].append(events.origin(session))
        if len(origins["first"]) == 1:
            raise RuntimeError("once more")

    async def second(session: AsyncSession, told: DoorOpened) -> None:
        origins["second"].append(events.origin(session))

    app = new_app(database.url)
    subscriptions = [events.Subscription(DoorOpened, first, "first"), events.Subscription(DoorOpened, second, "second")]
    database.use_outbox(JobOutbox(app, subscriptions))
    async with app.open_async(), JobRunner(app, database, subscriptions=subscriptions).running():
        async with database.transaction() as session:
            events.set_origin(session, events.Origin(causes=("a rule",)))
            await events.publish(session, event())
        await eventually(lambda: len(origins["first"]) == 2 and origins["second"])
    seen = {*origins["first"], *origins["second"]}
    assert len(seen) == 1
    (only,) = seen
    assert (only.event_id is not None, only.causes) == (True, ("a rule",))
