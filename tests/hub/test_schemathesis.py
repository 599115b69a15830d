"""Whatever the API's own description allows to be sent, and much that it does not, is never a fault of ours (5xx).

schemathesis makes the requests; the hub is the whole application behind a real HTTP server, on a real PostgreSQL.
"""

import asyncio
import hashlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from requests import Session
from schemathesis.core.result import Ok

from hub.serving import TaskServer
from kit.access import Role
from kit.db import Database
from kit.events import RecordingOutbox
from kit.supervision.ports import free_port
from tests.hub.whole_app import WholeApp, whole_app

SHORT_EXAMPLES, LONG_EXAMPLES = 1, 60
# A short run that has not come to the end by then leaves the rest to the long one.
SHORT_S = 12.0
STARTS_WITHIN_S = 30.0
# Endless, or of the servers around the hub and not of the hub.
LEFT_OUT = ("/api/v1/live", "/readyz", "/metrics")
# An outside service that this hub knows nothing of: 503 says so.
NOT_SET_UP = {"callback_not_set_up"}
NO_SHRINKING = (Phase.generate,)


@dataclass
class ServedHub:
    url: str
    hub: WholeApp
    loop: asyncio.AbstractEventLoop

    def admin_token(self) -> str:
        return asyncio.run_coroutine_threadsafe(self.hub.token(Role.ADMIN), self.loop).result(10)


@pytest.fixture
def served(database_url: str, tmp_path: Path) -> Iterator[ServedHub]:
    """The application on a port, in a thread with a loop of its own."""
    ready, stop = threading.Event(), threading.Event()
    found: list[ServedHub] = []

    async def serve() -> None:
        async with Database(database_url) as database:
            outbox = RecordingOutbox()
            database.use_outbox(outbox)
            async with whole_app(database, outbox, tmp_path) as hub:
                port = free_port()
                config = uvicorn.Config(hub.app, port=port, log_config=None, access_log=False, lifespan="off")
                server = TaskServer(config)
                serving = asyncio.create_task(server.serve())
                while not server.started:
                    await asyncio.sleep(0.01)
                found.append(ServedHub(f"http://127.0.0.1:{port}", hub, asyncio.get_running_loop()))
                ready.set()
                while not stop.is_set():
                    await asyncio.sleep(0.05)
                server.should_exit = True
                await serving

    thread = threading.Thread(target=lambda: asyncio.run(serve()), name="served hub")
    thread.start()
    try:
        assert ready.wait(STARTS_WITHIN_S), "the hub did not start"
        yield found[0]
    finally:
        stop.set()
        thread.join(STARTS_WITHIN_S)


def test_nothing_sent_is_a_fault_of_ours(served: ServedHub) -> None:
    faults, asked, of = ask_everything(served, examples=SHORT_EXAMPLES, seconds=SHORT_S)
    assert not faults, "\n\n".join(faults)
    assert asked > 0, f"none of {of} operations was asked in {SHORT_S} s"


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_nothing_sent_is_a_fault_of_ours_however_long_one_tries(served: ServedHub) -> None:
    faults, asked, of = ask_everything(served, examples=LONG_EXAMPLES, seconds=3000)
    assert not faults, "\n\n".join(faults)
    assert asked == of


def ask_everything(served: ServedHub, *, examples: int, seconds: float) -> tuple[list[str], int, int]:
    """The faults found, how many operations were asked, and of how many."""
    schema = schemathesis.openapi.from_dict(served.hub.app.openapi())
    asker, ends = Asker(served, Session()), time.monotonic() + seconds
    operations: list[Any] = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    wanted = [one for one in operations if not one.path.startswith(LEFT_OUT)]
    # Any room's next to any other's, the same way in every run: a machine that is slow asks some of each.
    wanted.sort(key=lambda one: hashlib.sha256(one.label.encode()).digest())
    asked = 0
    for operation in wanted:
        if time.monotonic() > ends:
            break
        asker.ask(operation, examples=examples)
        asked += 1
    return asker.faults, asked, len(wanted)


class Asker:
    def __init__(self, served: ServedHub, session: Session) -> None:
        self._served = served
        self._session = session
        self._token = served.admin_token()
        self.faults: list[str] = []

    def ask(self, operation: Any, *, examples: int) -> None:
        """Sends some requests of one operation; every one is another, and the same in every run."""

        @seed(1)
        @settings(
            max_examples=examples, deadline=None, database=None, phases=NO_SHRINKING, verbosity=Verbosity.quiet,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            self._send(case)

        send()

    def _send(self, case: Any) -> None:
        headers = {"Authorization": f"Bearer {self._token}", "Accept-Language": "en"}
        response = case.call(base_url=self._served.url, session=self._session, headers=headers)
        if response.status_code == 401:
            self._token = self._served.admin_token()  # what was asked for may have been to log out
        if response.status_code >= 500 and response.json()["code"] not in NOT_SET_UP:
            self.faults.append(f"{response.status_code} for {case.as_curl_command()}")
