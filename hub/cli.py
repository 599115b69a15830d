"""The `hub` command. Each sub-command is a few words here and its work in a module of its own."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from hub.settings import HubSettings
from kit.heap import thrifty_heap
from kit.logs import configure_logs

app = typer.Typer(
    name="hub",
    no_args_is_help=True,
    rich_markup_mode="rich",
    help="""Zhiwu Hub (智物): hears a building and the people in it, and turns both into work that is proved done.

    [bold]Try it:[/bold] `hub demo` starts everything with a simulated site.
    `hub simulate fault passenger-trapped --device LIFT-06` shuts somebody in an elevator;
    watch it at http://127.0.0.1:8000.

    [bold]Run it:[/bold] `hub load-site FILE`, `hub create-admin NAME`, then `hub serve`.
    `hub doctor` explains what is missing. Settings are `HUB_…` environment variables or lines
    in `hub.env`; `hub settings` lists them.""",
)
console = Console()


@app.command()
def serve() -> None:
    """Runs everything, with its own PostgreSQL and nats-server unless told of others; models in a process beside."""
    from hub.bootstrap import Role
    from hub.roles import run

    _run_until_told(lambda settings: run(settings, roles=list(Role), with_models=True))


@app.command("run")
def run_roles(
    roles: Annotated[list[str], typer.Argument(help="adapters, store, judge, api, jobs, predict: one or several")],
) -> None:
    """Runs some roles only, on the servers of HUB_DATABASE_URL and HUB_NATS_URL, or of a hub on the same folder."""
    from hub import models_alone

    if {*roles} == {models_alone.NAME}:  # needs a third of the memory of the others, whose rooms it does not know
        _run_until_told(models_alone.run)
    from hub.bootstrap import Role
    from hub.roles import run

    known = {role.value: role for role in Role}
    others = [name for name in roles if name != models_alone.NAME]
    if unknown := [name for name in others if name not in known]:
        raise typer.BadParameter(f"no role {', '.join(unknown)}; there are {', '.join([*known, models_alone.NAME])}")
    with_models = len(others) < len(roles)
    _run_until_told(lambda settings: run(settings, roles=[known[name] for name in others], with_models=with_models))


@app.command()
def demo(
    reset: Annotated[bool, typer.Option("--reset", help="throw the data in var/ away and start afresh")] = False,
    fleet: Annotated[bool, typer.Option(help="simulate the devices, or leave them to you")] = True,
) -> None:
    """Starts everything with a simulated site and a fake WeChat, and prints the addresses and accounts."""
    from hub.demo.run import run_demo

    # Addresses and accounts are what a demo's terminal is for; HUB_LOG_LEVEL=INFO shows the rest.
    os.environ.setdefault("HUB_LOG_LEVEL", "WARNING")
    _run_until_told(lambda settings: run_demo(settings, reset=reset, fleet=fleet, console=console))


@app.command()
def migrate(
    new: Annotated[str, typer.Option("--new", help="draft a migration with these words (for developers)")] = "",
) -> None:
    """Brings the database to the schema of this release. `hub serve` does it by itself at start."""
    from hub.infrastructure import with_database
    from hub.migrate import new_revision, upgrade

    async def work(settings: HubSettings) -> None:
        async with with_database(settings) as url:
            await asyncio.to_thread(upgrade, url)
            if new:
                await asyncio.to_thread(new_revision, url, new)
        console.print("the database is up to date")

    _run(work)


@app.command("load-site")
def load_site(
    file: Annotated[Path, typer.Argument(help="a site declared in TOML; see hub/demo/site.toml", exists=True)],
) -> None:
    """Creates or updates a site, its buildings, equipment and points from a declaration."""
    from hub.installing import load_declared_site

    async def work(settings: HubSettings) -> None:
        console.print(await load_declared_site(settings, file))

    _run(work)


@app.command("create-admin")
def create_admin(username: Annotated[str, typer.Argument(help="the name to log in with")]) -> None:
    """Makes an administrator and prints a generated password, once."""
    from hub.installing import make_admin

    async def work(settings: HubSettings) -> None:
        password = await make_admin(settings, username)
        console.print(
            f"administrator [bold]{username}[/bold], password [bold]{password}[/bold] (change it after log-in)"
        )

    _run(work)


audit_app = typer.Typer(name="audit", no_args_is_help=True, help="Who did what when: the chain that nobody rewrites.")
app.add_typer(audit_app)


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str, typer.Option(help="POSITION:DIGEST, noted earlier: the chain must pass through it, else it was cut short")
    ] = "",
) -> None:
    """Reads the audit from its first record on and names every one that was changed, removed, put in or moved."""
    from hub.auditing import verify_audit

    async def work(settings: HubSettings) -> None:
        verdict = await verify_audit(settings, head)
        for line in verdict.lines():
            console.print(line, markup=False, highlight=False, soft_wrap=True)
        if not verdict.is_whole:
            raise typer.Exit(1)

    _run(work)


rules_app = typer.Typer(name="rules", no_args_is_help=True, help="Rules on equipment, tried before they are in force.")
app.add_typer(rules_app)


@rules_app.command("replay")
def replay_rule(
    key: Annotated[
        str, typer.Argument(help="the key of a rule; with --file, which of its rules (default: the first)")
    ] = "",
    file: Annotated[
        Path | None, typer.Option(help="a draft in TOML, in the form of docs/rules.md", exists=True, dir_okay=False)
    ] = None,
    days: Annotated[int, typer.Option(help="of history, up to now", min=1, max=366)] = 30,
    tolerance_h: Annotated[
        float, typer.Option(help="how many hours from an alarm an order or report may lie", min=0, max=168)
    ] = 12.0,
) -> None:
    """Runs a rule over stored history: what it would have raised, and which of it was real."""
    from hub.rule_replay import lines_of, replay

    async def show(progress: float) -> None:
        console.print(f"\r{progress:.0%}", end="", style="dim", highlight=False)

    async def work(settings: HubSettings) -> None:
        answer = await replay(settings, draft=file, key=key, days=days, tolerance_h=tolerance_h, show=show)
        console.print()
        for line in lines_of(answer):
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    _run(work)


@app.command()
def train(
    site: Annotated[str, typer.Option(help="code of a site; all of them unless given")] = "",
    profile: Annotated[str | None, typer.Option(help="key of a device profile; all of them unless given")] = None,
    days: Annotated[
        int | None, typer.Option(help="of history, up to now; HUB_TRAINING_DAYS unless given", min=2, max=366)
    ] = None,
    new: Annotated[bool, typer.Option("--new", help="only equipment that no model knows yet")] = False,
    report: Annotated[bool, typer.Option("--report", help="train nothing: say how good the models are")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", hidden=True, help="what has been asked for")] = False,
) -> None:
    """Learns models from stored history; what would replace one runs in shadow. Stopped, it goes on the next time."""
    from hub.training import models, train_waiting
    from hub.training import train as train_sites

    def say(line: str) -> None:
        console.print(line, markup=False, highlight=False, soft_wrap=True)

    async def work(settings: HubSettings) -> None:
        if report:
            for line in await models(settings, site=site):
                say(line)
        elif waiting:
            await train_waiting(settings)
        elif not await train_sites(settings, site=site, profile=profile, days=days, is_complete=not new, say=say):
            raise typer.Exit(1)

    _run(work)


@app.command()
def backup(folder: Annotated[Path, typer.Argument(help="a new folder, on another disk than HUB_VAR")]) -> None:
    """Copies everything of this hub, running or not, into a folder: tables, readings, photos, what is under way."""
    from hub.backup.making import make_backup
    from hub.backup.words import summary

    async def work(settings: HubSettings) -> None:
        for line in summary(await make_backup(settings, folder), folder):
            console.print(line, soft_wrap=True)

    _run(work)


@app.command("verify-backup")
def verify_backup(folder: Annotated[Path, typer.Argument(help="what `hub backup` made", exists=True)]) -> None:
    """Checks every file of a backup against its checksum."""
    from hub.backup.manifest import verify
    from hub.backup.words import summary

    with _guarded():
        for line in summary(verify(folder), folder):
            console.print(line, soft_wrap=True)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="what `hub backup` made", exists=True)],
    replace: Annotated[bool, typer.Option("--replace", help="throw away what is there")] = False,
) -> None:
    """Lays a backup into an empty HUB_VAR and database, and counts whether all of it is there."""
    from hub.backup.laying_back import restore_backup
    from hub.backup.words import summary

    async def work(settings: HubSettings) -> None:
        restored = await restore_backup(settings, folder, replace=replace)
        for line in summary(restored.manifest, folder):
            console.print(line, soft_wrap=True)
        console.print("restored and counted: everything is there", style="green")
        if not restored.secrets:
            console.print("without the old secrets: everybody logs in again, and links in sent messages are void")

    _run(work)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def simulate(context: typer.Context) -> None:
    """Simulated devices: `hub simulate fault NAME --device CODE`, `hub simulate run FILE`, `hub simulate --help`."""
    from hub.demo.environment import DemoFiles, DemoPorts, simulator_environment

    with _guarded():
        settings = HubSettings()
        for name, value in simulator_environment(settings, DemoPorts(), DemoFiles(settings.var / "demo")).items():
            os.environ.setdefault(name, value)
    os.execv(sys.executable, [sys.executable, "-m", "simulators", *context.args])  # noqa: S606 - our own interpreter


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def bench(context: typer.Context) -> None:
    """Measures this hub and its peers on this machine: `hub bench line --quick`, `hub bench --help`."""
    os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *context.args])  # noqa: S606 - our own interpreter


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def torture(context: typer.Context) -> None:
    """Kills a hub of its own with -9 again and again, and says what was lost: `hub torture --kills 200 --seed 1`."""
    os.execv(sys.executable, [sys.executable, "-m", "torture", *context.args])  # noqa: S606 - our own interpreter


@app.command()
def detect() -> None:
    """Finds what is abnormal in one CSV: stdin `timestamp,SENSOR,…`, stdout `timestamp,score,is_anomaly`.

    AD_TRAIN_ROWS leading rows are known to be normal; AD_FREQ_SECONDS is the time between rows, where it is known.
    """
    from predictive.csv_runs import main as detect_in_csv

    raise typer.Exit(detect_in_csv(os.environ))


@app.command()
def rul() -> None:
    """Tells what is left of each life in one CSV: stdin `unit,cycle,POINT,…`, stdout `unit,cycle,rul`.

    AD_TRAIN_FILE names a CSV of lives that ran to failure: the same columns and `rul`, what was left at each row.
    """
    from predictive.remaining_life.csv_runs import main as lives_in_csv

    raise typer.Exit(lives_in_csv(os.environ))


@app.command()
def doctor() -> None:
    """Looks at every dependency and setting, and says what to do about what is not well."""
    from hub.doctor import Verdict, examine
    from hub.refusal_lines import spoken_language
    from hub.texts import load_texts

    marks = {Verdict.OK: "[green]✓[/green]", Verdict.NOTE: "[yellow]·[/yellow]", Verdict.FAIL: "[red]✗[/red]"}
    with _guarded():
        findings = list(examine(load_texts(), spoken_language()))
    for finding in findings:
        words = escape(finding.words)
        console.print(
            f"{marks[finding.verdict]} [bold]{finding.subject}[/bold] {words}", highlight=False, soft_wrap=True
        )
    if any(finding.verdict is Verdict.FAIL for finding in findings):
        raise typer.Exit(1)


@app.command()
def settings() -> None:
    """Lists every setting with its default, as it would stand in hub.env."""
    from hub.settings_list import every_setting

    for setting in every_setting():
        line = Text.assemble((setting.variable, "bold"), f"={setting.default}  ", (f"# {setting.words}", "dim"))
        console.print(line, soft_wrap=True)  # one line a setting, to be searched and copied


@app.command()
def openapi() -> None:
    """Prints the description of the API, from which the front end's client is made."""
    from hub.api import describe

    print(json.dumps(describe(), ensure_ascii=False, indent=1, sort_keys=True))


def _run(work: Callable[[HubSettings], Coroutine[Any, Any, None]]) -> None:
    """Runs a coroutine on uvloop; Ctrl-C and TERM end it in order."""
    import uvloop

    with _guarded():
        settings = HubSettings()
        configure_logs(level=settings.log_level, as_json=settings.log_json)
        uvloop.run(work(settings))


def _run_until_told(work: Callable[[HubSettings], Coroutine[Any, Any, None]]) -> NoReturn:
    """Runs what only INT and TERM end, and the process with it: by then all has been closed, and to take a large heap
    apart piece by piece would keep a core for a second."""
    _run(work)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(os.EX_OK)


@contextlib.contextmanager
def _guarded() -> Iterator[None]:
    """Mistakes of whoever runs the command are a line each, not a trace."""
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        from hub.refusal_lines import refusal_lines

        lines = refusal_lines(error)
        if not lines:
            raise
        for line in lines:
            # Whole, so that whoever searches a log for it finds it on one line.
            console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
        raise SystemExit(1) from None


def main() -> None:
    thrifty_heap()  # here, because some libraries start threads when they are imported
    app()
