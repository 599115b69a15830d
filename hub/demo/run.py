"""`hub demo`: everything at once, with progress, addresses and accounts."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx
from rich.console import Console
from rich.table import Table

from hub.bootstrap import Hub, Role
from hub.demo.environment import DemoFiles, DemoPorts, demo_environment
from hub.demo.site import SITE_FILE, demo_declaration, load_demo
from hub.infrastructure import infrastructure
from hub.lock import folder_lock
from hub.roles import run_on
from hub.settings import HubSettings
from hub.signals import stopped_by_signals
from kit.supervision.ports import require_free
from kit.supervision.process import Command, end_leftover, running_child
from people.demo import DemoAccount

READY_POLL_S = 0.1


class Progress:
    """One line a step: what is being done, said before it, and how long it took, said after it."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        began = time.monotonic()
        self._console.print(f"· {words} … ", end="", highlight=False, soft_wrap=True)
        try:
            yield
        except BaseException:
            self._console.print("not done", highlight=False)
            raise
        self._console.print(f"{time.monotonic() - began:.1f} s", highlight=False)


async def run_demo(settings: HubSettings, *, reset: bool, fleet: bool, console: Console) -> None:
    """Runs until INT or TERM; without the fleet, the devices are yours.

    Raises AlreadyRunning, PortTaken, ChildFailed.
    """
    refuse_beside_another(settings.var)
    if reset:
        throw_away(settings.var)
    ports, files = DemoPorts(), DemoFiles(settings.var / "demo")
    # Nobody works on this folder: simulators of its that are still alive are a killed demo's.
    await end_leftover(simulators(settings, fleet=fleet))
    check_ports(settings, ports, fleet=fleet)
    secrets = settings.secrets
    for name, value in demo_environment(settings, ports, secrets, files).items():
        os.environ.setdefault(name, value)
    progress = Progress(console)
    accounts: list[DemoAccount] = []

    async with AsyncExitStack() as stack:

        async def prepare(hub: Hub) -> None:
            with progress.step("the demo site: equipment, people, shifts, MQTT accounts"):
                accounts.extend(await load_demo(hub, ports, files))
                await hub.users.refresh()
            health = f"http://127.0.0.1:{ports.http_port if fleet else ports.platform_port}/healthz"
            with progress.step("the simulated fleet and the fake WeChat" if fleet else "the fake WeChat"):
                await stack.enter_async_context(running_child(simulators(settings, fleet=fleet), lambda: is_up(health)))

        async def greet() -> None:
            with progress.step("the hub"):
                await answers(f"{settings.local_url}/readyz")
            welcome(console, settings, ports, files, accounts)

        with stopped_by_signals():
            with progress.step("PostgreSQL, nats-server with its MQTT listener, database schema"):
                infra = await stack.enter_async_context(infrastructure(settings))
            await run_on(settings, infra, roles=list(Role), prepare=prepare, beside=greet, with_models=True)


def refuse_beside_another(var: Path) -> None:
    """Raises AlreadyRunning before anything of the hub that works on the folder is touched."""
    with folder_lock(var):
        """Free: `infrastructure` takes it again for good."""


def throw_away(var: Path) -> None:
    """Removes the data folder. Raises AlreadyRunning when a hub works on it."""
    if var.exists():
        with folder_lock(var):
            shutil.rmtree(var)


def check_ports(settings: HubSettings, ports: DemoPorts, *, fleet: bool) -> None:
    """Raises PortTaken before anything is started. (The servers check their own.)"""
    require_free(settings.http_bind, settings.http_port, setting="HUB_HTTP_PORT")
    for gateway in modbus_ports(ports) if fleet else ():
        require_free("127.0.0.1", gateway, setting="HUB_SIM_MODBUS_PORT")
    require_free("127.0.0.1", ports.http_port, setting="HUB_SIM_HTTP_PORT")
    require_free("127.0.0.1", ports.platform_port, setting="HUB_SIM_PLATFORM_PORT")


def modbus_ports(ports: DemoPorts) -> list[int]:
    """Where the gateways of the demo site listen: a run of ports from the first."""
    return sorted({item.address["port"] for item in demo_declaration(ports).equipment if "port" in item.address})


def simulators(settings: HubSettings, *, fleet: bool) -> Command:
    home = (settings.var / "demo").resolve()
    env = {
        "HUB_SIM_SITE_FILE": str(SITE_FILE),
        "HUB_SIM_PROFILES": str(settings.profiles_dir),
        "HUB_SIM_PARENT_PID": str(os.getpid()),
        "PYTHONPATH": str(SITE_FILE.parents[2]),
    }
    argv: Sequence[str] = [sys.executable, "-m", "simulators", "serve", "--fleet" if fleet else "--no-fleet"]
    return Command("simulators", argv, home, stop_signal=signal.SIGTERM, env=env)


async def answers(url: str) -> None:
    """Returns once the address answers 200."""
    while not await is_up(url):  # noqa: ASYNC110 - another process's state has no event to wait for
        await asyncio.sleep(READY_POLL_S)


async def is_up(url: str) -> bool:
    async with httpx.AsyncClient(timeout=2.0) as client:
        try:
            return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False


def welcome(
    console: Console, settings: HubSettings, ports: DemoPorts, files: DemoFiles, accounts: Sequence[DemoAccount]
) -> None:
    """Where to look and how to log in."""
    console.print(f"\n[bold]智物 Zhiwu Hub[/bold]  {settings.local_url}")
    if settings.public_url:
        console.print(f"  公开地址 public     {settings.public_url}")
    console.print(f"  接口 API          {settings.local_url}/docs")
    console.print(f"  假微信 fake WeChat http://127.0.0.1:{ports.platform_port}")
    console.print(f"  MQTT              {settings.mqtt_bind}:{settings.mqtt_port}")
    table = Table("账号 account", "密码 password", "姓名 name", "角色 role", box=None, pad_edge=False)
    for account in accounts:
        if account.is_main:
            table.add_row(account.username, account.password, account.name, account.role.value)
    console.print()
    console.print(table)
    console.print(f"\n其余账号 all accounts: {files.accounts}", highlight=False)
    console.print("试一试 try: .venv/bin/hub simulate fault passenger-trapped --device LIFT-06", highlight=False)
    console.print("停止 stop: Ctrl-C\n", highlight=False)
