"""`python -m simulators …`: run the fleet and the fake services, start faults, run scenarios."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import httpx
import typer

from building.declaration import BadDeclaration
from building.profile import BadProfile
from kit.errors import DomainError
from kit.i18n import Language, Texts
from kit.logs import configure_logs
from kit.supervision.ports import PortTaken
from simulators.scenario.targets import Targets
from simulators.settings import ROOMS_WITH_TEXTS, SimulatorSettings

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)

Lang = Annotated[Language, typer.Option("--language", help="language of what is printed", envvar="HUB_LANGUAGE")]
Control = Annotated[
    str, typer.Option("--simulator", help="where the running simulator listens", envvar="HUB_SIM_CONTROL_URL")
]

DEFAULT_CONTROL = "http://127.0.0.1:8090"
DEFAULT_PLATFORM = "http://127.0.0.1:8091"
DEFAULT_HUB = "http://127.0.0.1:8000"
ANSWER_WITHIN_S = 10.0
EXPORT_FROM_UNIX_S = 1_790_812_800.0  # 2026-10-01 00:00 UTC
HISTORY_FROM_UNIX_S = 1_775_001_600.0  # 2026-04-01 00:00 UTC: half a year has a summer in it


@app.command("serve")
def serve_command(
    fleet: Annotated[bool, typer.Option(help="the simulated devices")] = True,
    platform: Annotated[bool, typer.Option(help="the fake WeChat, WeCom, SMS and voice")] = True,
) -> None:
    """Runs the fleet and the fake services until Ctrl-C. Settings: HUB_SIM_… (see simulators/settings.py)."""
    from simulators.serving import Parts, serve  # here, so that `fault` need not wait for servers to be imported

    configure_logs()
    try:
        asyncio.run(serve(SimulatorSettings(), Parts(fleet=fleet, platform=platform)))
    except (PortTaken, BadDeclaration, BadProfile, OSError) as error:
        _fail(str(error))


@app.command("fault")
def fault_command(
    name: Annotated[str, typer.Argument(help="what goes wrong, e.g. passenger-trapped; `faults --kinds` lists all")],
    device: Annotated[str, typer.Option("--device", "-d", help="equipment code, e.g. LIFT-06")],
    duration: Annotated[str | None, typer.Option("--for", help="90s, 10m, 1h30m; until it is ended if absent")] = None,
    parameters: Annotated[list[str] | None, typer.Option("--with", help="parameter=value, may be repeated")] = None,
    simulator: Control = DEFAULT_CONTROL,
    language: Lang = Language.ZH,
) -> None:
    """Starts a fault in the running simulator."""
    body = {"name": name, "device": device, "for": duration, "with": dict(_pair(text) for text in parameters or [])}
    fault = _ask(simulator, language, lambda http: http.post("/faults", json=body)).json()
    typer.echo(f"{fault['fault_id']}  {fault['name']}  {fault['device']}  → {fault['ends_at'] or '∞'}")


@app.command("faults")
def faults_command(
    kinds: Annotated[bool, typer.Option("--kinds", help="every fault there is, with its parameters")] = False,
    simulator: Control = DEFAULT_CONTROL,
    language: Lang = Language.ZH,
) -> None:
    """Lists the faults that are on, or every kind of fault."""
    if kinds:
        for kind in _ask(simulator, language, lambda http: http.get("/fault-kinds")).json():
            parameters = ", ".join(f"{p['name']}={p['default']}" for p in kind["parameters"])
            typer.echo(f"{kind['name']:<20} {kind['meaning']}{f'  ({parameters})' if parameters else ''}")
        return
    for fault in _ask(simulator, language, lambda http: http.get("/faults")).json():
        typer.echo(f"{fault['fault_id']}  {fault['name']:<20} {fault['device']:<10} → {fault['ends_at'] or '∞'}")


@app.command("end")
def end_command(
    fault_id: Annotated[str | None, typer.Argument(help="id of the fault; every fault if absent")] = None,
    device: Annotated[str | None, typer.Option("--device", "-d", help="only this device's faults")] = None,
    simulator: Control = DEFAULT_CONTROL,
    language: Lang = Language.ZH,
) -> None:
    """Ends a fault, a device's faults, or all of them."""
    path = f"/faults/{fault_id}" if fault_id else "/faults"
    query = {"device": device} if device and not fault_id else {}
    _ask(simulator, language, lambda http: http.delete(path, params=query))


@app.command("run")
def run_command(
    file: Annotated[Path, typer.Argument(help="a scenario, e.g. simulators/scenarios/entrapment.toml")],
    user: Annotated[str, typer.Option(help="account in the hub", envvar="HUB_SIM_USER")],
    password: Annotated[str, typer.Option(help="its password", envvar="HUB_SIM_PASSWORD")],
    hub: Annotated[str, typer.Option(help="where the hub listens", envvar="HUB_SIM_HUB_URL")] = DEFAULT_HUB,
    simulator: Control = DEFAULT_CONTROL,
    platform: Annotated[
        str, typer.Option(help="where the fake services listen", envvar="HUB_SIM_PLATFORM_URL")
    ] = DEFAULT_PLATFORM,
    patience: Annotated[
        float, typer.Option(min=1.0, help="that many times the stated limits, for a machine busy with other things")
    ] = 1.0,
    language: Lang = Language.ZH,
) -> None:
    """Plays a scenario against the running hub and simulator; exit status 0: everything was as expected."""
    from simulators.scenario.run import run_file

    targets = Targets(hub=hub, simulator=simulator, platform=platform, user=user, password=password)
    try:
        held = asyncio.run(run_file(file, targets, language=language, say=typer.echo, patience=patience))
    except DomainError as error:
        _fail(Texts.load(ROOMS_WITH_TEXTS).of_error(error, language))
    raise typer.Exit(0 if held else 1)


@app.command("export")
def export_command(
    folder: Annotated[Path, typer.Argument(help="where the files go")],
    days: Annotated[float, typer.Option(min=1 / 24, help="days of simulated time")] = 1.0,
    seed: Annotated[int, typer.Option(help="the same seed gives the same readings")] = 1,
    faults: Annotated[
        Path | None, typer.Option(help="faults to happen on the way (docs/simulators.md); told in faults.json")
    ] = None,
    language: Lang = Language.ZH,
) -> None:
    """Writes what the fleet would send within some days, without waiting for them: a Parquet file an hour."""
    from simulators.fast_time import FastFleet, taped_points, write_days
    from simulators.faults.plan import parse_plan, write_plan
    from simulators.fleet.fleet import Fleet
    from simulators.modbus.fleet_gateways import load_profiles
    from simulators.serving import read_site

    settings = SimulatorSettings()
    profiles = load_profiles(settings.profiles)
    fleet = Fleet(read_site(settings), seed=seed, speed=1.0, started_unix_s=EXPORT_FROM_UNIX_S)
    points = taped_points(fleet, profiles)
    try:
        plan = () if faults is None else parse_plan(faults.read_text("utf-8"), within_s=days * 86_400)
        fast = FastFleet(fleet, profiles, points, seed=seed, unix_s=EXPORT_FROM_UNIX_S, plan=plan)
    except DomainError as error:
        _fail(Texts.load(ROOMS_WITH_TEXTS).of_error(error, language))
    except OSError as error:
        _fail(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    write_plan(plan, folder, unix_s=EXPORT_FROM_UNIX_S)
    for number, readings in enumerate(write_days(fast, points, folder, days=days), start=1):
        typer.echo(f"hour {number}: {readings} readings")


@app.command("history")
def history_command(
    folder: Annotated[Path, typer.Argument(help="where the files go")],
    days: Annotated[float, typer.Option(min=1, max=3660, help="days of simulated time")] = 180.0,
    minutes: Annotated[float, typer.Option(min=0.1, max=60, help="minutes between two samples")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same months")] = 1,
    machines: Annotated[
        list[str] | None, typer.Option(help="kind=count, may be repeated; 12 of each kind if absent")
    ] = None,
    failing: Annotated[float, typer.Option(min=0, max=1, help="share of the machines that wear out")] = 0.4,
    path: Annotated[list[str] | None, typer.Option(help="how wear goes on (docs/simulators.md); repeatable")] = None,
    csv: Annotated[bool, typer.Option(help="also a CSV file of each machine, as `hub detect` reads it")] = False,
) -> None:
    """Writes months of a fleet in which parts wear out, in coarse steps: seconds for half a year of 60 machines."""
    from simulators.history.order import BadHistoryOrder, history_order
    from simulators.history.play import play
    from simulators.history.write import write_csvs, write_history

    try:
        order = history_order(
            begins_s=HISTORY_FROM_UNIX_S, days=days, step_s=minutes * 60, seed=seed, machines=machines or (),
            share_failing=failing, paths=path or (),
        )  # fmt: skip
    except BadHistoryOrder as error:
        _fail(str(error))
    played = play(order)
    readings = sum(write_history(played, folder))
    if csv:
        write_csvs(played, folder / "csv")
    typer.echo(f"{readings} readings of {sum(len(each.codes) for each in played)} machines")


def main() -> None:
    app(prog_name="python -m simulators")


def _ask(simulator: str, language: Language, request: Callable[[httpx.Client], httpx.Response]) -> Any:
    """The simulator's answer; its refusal, or its absence, in one line and exit status 1."""
    headers = {"Accept-Language": language.value}
    try:
        with httpx.Client(base_url=simulator, timeout=ANSWER_WITHIN_S, headers=headers, trust_env=False) as http:
            response = request(http)
    except httpx.HTTPError:
        _fail(_text("simulators.unreachable", language, simulator=simulator))
    if response.is_error:
        _fail(_refusal(response))
    return response


def _refusal(response: httpx.Response) -> str:
    try:
        return str(response.json()["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        _fail(f"--with {text}: parameter=value")
    return name, value


def _text(key: str, language: Language, **facts: object) -> str:
    return Texts.load(ROOMS_WITH_TEXTS).text(key, language, **facts)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(1)
