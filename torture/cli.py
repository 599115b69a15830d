"""`python -m torture`, which `hub torture` runs: so many kills, then a verdict. Exit status 1: something was lost."""

import asyncio
import json
import signal
import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from kit.crash_points import CrashPoint
from torture.disk import DiskError
from torture.ground import Ground
from torture.harm import Harm, disk_error
from torture.layouts import LayoutName
from torture.trial import Life, Outcome, Plan, try_out

app = typer.Typer(add_completion=False)


@app.command()
def torture(
    kills: Annotated[int, typer.Option(min=0, help="how many processes to kill, shared out over the layouts")] = 20,
    seed: Annotated[int, typer.Option(help="decides what is killed when")] = 1,
    layout: Annotated[list[LayoutName] | None, typer.Option(help="whole, split; both when left out")] = None,
    at: Annotated[
        list[str] | None, typer.Option(help="die once at this place before the kills: a crash point's name, or all")
    ] = None,
    pause: Annotated[
        list[str] | None, typer.Option(help="stop this process for a while before the kills: judge, nats, …")
    ] = None,
    pause_s: Annotated[float, typer.Option(min=0.1, help="for so many seconds each")] = 15.0,
    disk: Annotated[
        list[str] | None,
        typer.Option(help="let each write of this one fail before the kills: all, nats, …; nats:EROFS for an error"),
    ] = None,
    disk_s: Annotated[float, typer.Option(min=5.0, help="for so many seconds each")] = 20.0,
    only: Annotated[list[str] | None, typer.Option(help="kill these in turn: hub, postgres, nats, store, …")] = None,
    rate: Annotated[float, typer.Option(min=1, help="readings a second")] = 100.0,
    recover_within: Annotated[float, typer.Option(help="seconds until readings and alarms flow, at most")] = 30.0,
    memory: Annotated[float, typer.Option(help="MB of all processes of the hub together, at most")] = 1500.0,
    folder: Annotated[Path | None, typer.Option(help="where to work and leave the logs; a temporary one")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="also write the outcome there")] = None,
) -> None:
    """Kills the hub's processes with -9 at random instants amid readings and reports, and says what was lost."""
    layouts = layout or list(LayoutName)
    work = folder or Path(tempfile.mkdtemp(prefix="hub-torture-"))
    typer.echo(f"seed {seed}, {kills} kills, logs in {work}")
    plans = {
        name: Plan(
            kills=kills // len(layouts) + (number < kills % len(layouts)), seed=seed, rate=rate,
            recover_within_s=recover_within, memory_mb=memory, names=only or (), points=_points(at or []),
            pauses=pause or (), pause_s=pause_s, harms=_harms(disk or []), harm_s=disk_s,
        )
        for number, name in enumerate(layouts)
    }  # fmt: skip
    outcomes = asyncio.run(run(Ground(work), plans))
    if json_file is not None:
        json_file.write_text(json.dumps([_as_json(outcome) for outcome in outcomes], indent=2), "utf-8")
    if any(outcome.findings.breaches for outcome in outcomes):
        raise typer.Exit(1)


def _points(names: list[str]) -> list[CrashPoint]:
    if "all" in names:
        return list(CrashPoint)
    try:
        return [CrashPoint(name) for name in names]
    except ValueError as error:
        known = ", ".join(point.value for point in CrashPoint)
        raise typer.BadParameter(f"{error}; there are all, {known}") from None


def _harms(names: list[str]) -> list[Harm]:
    try:
        split = [name.partition(":") for name in names]
        return [disk_error(target, DiskError(error or DiskError.EIO)) for target, _, error in split]
    except ValueError as error:
        raise typer.BadParameter(f"{error}; there are {', '.join(DiskError)}") from None


async def run(ground: Ground, plans: dict[LayoutName, Plan]) -> list[Outcome]:
    """One trial after the other on the same data, each printed when it is over. TERM ends them in order."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await ground.prepare()
    life, outcomes = Life(), []
    async with ground.platform():
        for name, plan in plans.items():
            typer.echo(f"\n{name.value}: {len(plan.points)} crash points, {plan.kills} kills")
            outcome = await try_out(name, ground, life, plan, say=typer.echo)
            _print(outcome, plan)
            outcomes.append(outcome)
    return outcomes


def _print(outcome: Outcome, plan: Plan) -> None:
    toll, findings = outcome.toll, outcome.findings
    killed = ", ".join(f"{name} {times}" for name, times in sorted(toll.kills.items()))
    seconds = sorted(took_s for took_s, _ in toll.recovery_s)
    typer.echo(f"\n  killed: {killed}; in {outcome.took_s:.0f} s")
    typer.echo(
        f"  readings flow again after: median {statistics.median(seconds):.1f} s, longest {seconds[-1]:.1f} s; "
        f"memory at most {toll.peak_mb:.0f} MB"
    )
    typer.echo(
        f"  an elevator's alarm was on the panel after at most {outcome.longest_alarm_s:.1f} s, "
        f"at most {outcome.alarm_recovery_s:.1f} s after the last harm (allowed: {plan.recover_within_s:.0f} s)"
    )
    if outcome.own_ends:
        typer.echo(f"  ended by themselves and started again: {outcome.own_ends}")
    for what, number in findings.counts.items():
        typer.echo(f"  {number:>8} {what}")
    for breach in findings.breaches:
        typer.secho(f"  BREACH {breach}", fg="red")
    verdict = "something was lost or doubled" if findings.breaches else "nothing lost, nothing doubled"
    typer.secho(f"  {outcome.layout.value}: {verdict}", bold=True)


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "layout": outcome.layout.value,
        "kills": dict(outcome.toll.kills),
        "recovery_s": [{"killed": name, "s": round(took_s, 2)} for took_s, name in outcome.toll.recovery_s],
        "longest_alarm_s": round(outcome.longest_alarm_s, 2),
        "alarm_recovery_s": round(outcome.alarm_recovery_s, 2),
        "peak_mb": round(outcome.toll.peak_mb),
        "counts": outcome.findings.counts,
        "breaches": outcome.findings.breaches,
        "took_s": round(outcome.took_s),
    }
