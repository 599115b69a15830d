"""The commands of `hub bench`: a part, or all of them; a report from saved results."""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from benchmarks import machine
from benchmarks.children import end_in_order_when_told
from benchmarks.line.part import LinePart
from benchmarks.line.peers import known_subjects
from benchmarks.line.phases import Extent, Phase
from benchmarks.part import Context, CutShort, Details, Part
from benchmarks.parts import every_part
from benchmarks.report import Report, UnreadableReport, markdown, renew, show
from benchmarks.telemetry.disk_part import DiskPart

app = typer.Typer(
    name="hub bench",
    rich_markup_mode="rich",
    help="""Measures this hub, and what people would otherwise use, on this machine.

    Without a command: everything, with ten minutes of 10,000 messages a second; it may take an hour (an estimate).
    [bold]--quick[/bold] is rougher, shorter and leaves those ten minutes out. Figures are only worth something on a
    machine that does nothing else meanwhile.""",
)
console = Console()

Json = Annotated[Path | None, typer.Option("--json", help="save what was measured to this file")]
Quick = Annotated[bool, typer.Option("--quick", help="shorter and rougher")]
Keep = Annotated[Path | None, typer.Option("--keep", help="a new folder to leave logs and data in, to look at them")]


@app.callback(invoke_without_command=True)
def everything(context: typer.Context, json: Json = None, quick: Quick = False) -> None:
    if context.invoked_subcommand is None:
        _run([_with_peers(part, quick=quick) for part in every_part()], json=json, quick=quick, keep=None)
    elif json is not None or quick:
        part = context.invoked_subcommand  # which has options of its own: these would do nothing
        raise typer.BadParameter(f"put --json and --quick behind the part: hub bench {part} --json FILE")


@app.command()
def line(
    phase: Annotated[list[Phase] | None, typer.Option(help="this phase only; may be given several times")] = None,
    peers: Annotated[bool, typer.Option(help="measure the peers beside this hub")] = True,
    subject: Annotated[list[str] | None, typer.Option(help="these only, such as hub or node-red")] = None,
    messages: Annotated[int | None, typer.Option(min=1, help="how many messages each phase publishes")] = None,
    seconds: Annotated[float | None, typer.Option(min=1, help="how long each timed phase lasts")] = None,
    soak_minutes: Annotated[float, typer.Option(min=0, help="also 10,000/s for so many minutes")] = 0.0,
    devices: Annotated[int, typer.Option(min=8, max=9_992, help="a multiple of 8")] = 2_000,
    lag: Annotated[int, typer.Option(min=1, help="how far sustained load may run ahead, in messages")] = 30_000,
    json: Json = None,
    quick: Quick = False,
    keep: Keep = None,
) -> None:
    """The reading line: alarm latency, CPU, memory and sustained rate, every reading and alarm counted."""
    if devices % 8:
        raise typer.BadParameter(f"{devices} is no multiple of 8, the number of buildings")
    known = known_subjects()
    wanted = subject or (list(known) if peers else ["hub"])
    if unknown := [name for name in wanted if name not in known]:
        raise typer.BadParameter(f"no subject {', '.join(unknown)}; there are {', '.join(known)}")
    extent = Extent(is_quick=quick, seconds=seconds, messages=messages, lag=lag, soak_minutes=soak_minutes or 10.0)
    usual = [each for each in Phase if each is not Phase.SOAK or soak_minutes]
    part = LinePart(
        phases=phase or usual, extent=extent, subjects=[known[name] for name in wanted], devices=devices
    )  # fmt: skip
    _run([part], json=json, quick=quick, keep=keep)


@app.command(help=DiskPart.words)
def disk(
    days: Annotated[
        float | None, typer.Option(min=1 / 24, help="days to play: 1 unless said, 2 hours with --quick")
    ] = None,
    json: Json = None,
    quick: Quick = False,
    keep: Keep = None,
) -> None:
    _run([DiskPart(days=days)], json=json, quick=quick, keep=keep)


@app.command()
def report(
    files: Annotated[list[Path], typer.Argument(help="files written with --json; what comes later counts")],
    as_markdown: Annotated[bool, typer.Option("--markdown", help="print tables in Markdown")] = False,
    into: Annotated[
        Path | None, typer.Option(exists=True, help="renew the tables in this file, such as docs/performance.md")
    ] = None,
    json: Json = None,
) -> None:
    """Shows saved results, several joined into one."""
    try:
        joined = Report.join([Report.read(file) for file in files])
        if into is not None:
            renew(into, markdown(joined, every_part()))
    except UnreadableReport as error:
        raise typer.BadParameter(str(error)) from None
    _show(joined, every_part(), json=json, as_markdown=as_markdown)


def _command_of(part: Part) -> Callable[..., None]:
    def command(json: Json = None, quick: Quick = False, keep: Keep = None) -> None:
        _run([part], json=json, quick=quick, keep=keep)

    command.__doc__ = part.words
    return command


for _part in every_part():
    if _part.name not in (LinePart.name, DiskPart.name):
        app.command(_part.name)(_command_of(_part))


def _with_peers(part: Part, *, quick: bool) -> Part:
    if isinstance(part, LinePart):
        soak = () if quick else (Phase.SOAK,)
        return LinePart(subjects=list(known_subjects().values()), extent=Extent(is_quick=quick), own_phases=soak)
    return part


def _run(parts: Sequence[Part], *, json: Path | None, quick: bool, keep: Path | None) -> None:
    """Saves after each part what there is: a failure late in an hour costs its own part and no other.

    Exits with 1 when a part failed.
    """
    facts: dict[str, Any] = machine.facts()
    details: dict[str, Details] = {}
    failures: dict[str, str] = {}
    if json is not None:
        json.touch()  # a slip of the pen should be said now, not after half an hour
    for part in parts:
        try:
            details[part.name] = _measured(part, quick=quick, keep=keep)
        except CutShort as error:
            details[part.name], failures[part.name] = error.measured, str(error)
        except Exception as error:  # whatever it is, the other parts are still worth measuring
            failures[part.name] = f"{type(error).__name__}: {error}"
        if part.name in failures:
            console.print(f"{part.name}: {failures[part.name]}", style="red", markup=False, soft_wrap=True)
        facts["load_average_after"] = machine.facts()["load_average"]
        if json is not None:
            Report([facts], details, failures).write(json, parts)
    _show(Report([facts], details, failures), parts, json=None, as_markdown=False)
    if failures:
        raise typer.Exit(1)


def _measured(part: Part, *, quick: bool, keep: Path | None) -> Details:
    """Raises whatever the part raises, also when no figures can be read out of what it measured."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hub-bench-")))
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_little_room(folder)
        found = part.measure(Context(folder / part.name, is_quick=quick, console=console))
    part.figures(found)
    return found


def _refuse_little_room(folder: Path) -> None:
    free_gb = shutil.disk_usage(folder).free / 1e9
    if free_gb < 5:
        raise typer.BadParameter(f"{folder} has {free_gb:.1f} GB left; the bench wants 5: set TMPDIR to a larger disk")


def _show(found: Report, parts: Sequence[Part], *, json: Path | None, as_markdown: bool) -> None:
    if json is not None:
        found.write(json, parts)
    if as_markdown:
        print(markdown(found, parts), end="")
    else:
        show(found, parts, console)


def main() -> None:
    end_in_order_when_told()
    app()
