"""`make score`: `hub detect` and `hub rul` on labelled recordings, by the scoring scripts beside them, as one table.

HUB_SCORE_DATA is the folder of recordings, HUB_SCORE_SCRIPTS that of the scripts (defaults: ../shared/data and
../shared/scoring). Every column is renamed, shuffled and rescaled, and the past is tried for peeking at the future.
--into FILE writes the table between the markers in FILE; --split chooses the recordings; names choose the sets, and
lines of the others stay as they are in FILE.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- scores: begin (make score) -->", "<!-- scores: end -->"
HEAD = "| recordings | aim | measured | rows/s | sees the past only |\n|---|---|---|---|---|"
LONGEST_S = 3600


@dataclass(frozen=True, slots=True)
class Recordings:
    """One script: what it scores, what is wanted of it, and how its answer reads."""

    script: str
    name: str
    command: str
    aim: str
    measured: Callable[[dict[str, Any]], str]


def _pump(found: dict[str, Any]) -> str:
    one = found["detector"]
    return (
        f"F1 {one['F1']:.3f}, FAR {one['FAR']:.1f} %, BA {one['BA']:.3f}; change points {one['NAB60']['Standard']:.1f}"
    )


def _series(found: dict[str, Any]) -> str:
    return ", ".join(f"{profile.replace('_', ' ')} {value:.1f}" for profile, value in found["honest"].items())


def _network(found: dict[str, Any]) -> str:
    hours = [delay for delay, _ in found["TTD_hours"]]
    attacks = sum(delay < length for delay, length in found["TTD_hours"])
    return (
        f"S {found['S']:.3f}, TNR {found['TNR']:.3f}, TPR {found['TPR']:.3f}; "
        f"{attacks} of {found['attacks']} attacks found, after {', '.join(map(str, hours))} h"
    )


def _air(found: dict[str, Any]) -> str:
    return (
        f"balanced accuracy of days {found['day_BA']:.3f}, false-alarm days {found['false_alarm_day_rate']:.1%}, "
        f"fault days found {found['fault_day_recall']:.1%}"
    )


def _fires(found: dict[str, Any]) -> str:
    kinds = ("furniture", "burner")
    parts = [
        f"{kind}: median {found[kind]['median_delay_s']:.0f} s, p90 {found[kind]['p90_delay_s']:.0f} s"
        for kind in kinds
        if found[kind]["n"]
    ]
    false = round(found["false_alarm_experiments"] * found["experiments"])
    return f"{'; '.join(parts)}; {false} of {found['experiments']} with a false alarm, {found['missed_600s']} missed"


def _engines(found: dict[str, Any]) -> str:
    return f"RMSE {found['truth_capped_125']['RMSE']:.2f} capped, {found['raw_truth']['RMSE']:.2f} raw"


SETS = (
    Recordings("skab", "SKAB (pump)", "detect", "F1 ≥ .83, FAR ≤ 10 %, BA ≥ .84; change points ≥ 45", _pump),
    Recordings("nab", "NAB (single series)", "detect", "standard ≥ 73", _series),
    Recordings("batadal", "BATADAL (water network)", "detect", "S ≥ .972 at TNR ≥ .97, all attacks", _network),
    Recordings("ahu", "LBNL (air handling)", "detect", "≥ .93, false-alarm days ≤ 5 %", _air),
    Recordings("fire", "FSRI (room fires)", "detect", "furniture median ≤ 70 s, p90 ≤ 115 s, ≤ 1 false", _fires),
    Recordings("cmapss", "C-MAPSS FD001 (engines)", "rul", "≤ 10.4 capped, ≤ 11.8 raw", _engines),
)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", help=f"of {', '.join(one.script for one in SETS)}; all when none is named")
    parser.add_argument("--split", default="dev", help="which recordings, as the scripts call them")
    parser.add_argument("--into", type=Path, help="a Markdown file with the markers")
    options = parser.parse_args(arguments)
    wanted = [one for one in SETS if not options.sets or one.script in options.sets]
    scripts = Path(os.environ.get("HUB_SCORE_SCRIPTS", ROOT.parent / "shared" / "scoring")).resolve()
    if not scripts.is_dir():
        print(f"there are no scoring scripts in {scripts}: set HUB_SCORE_SCRIPTS", file=sys.stderr)
        return 2
    lines = {}
    failed = False
    for one in wanted:
        line, is_well = scored(one, scripts=scripts, split=options.split)
        failed |= not is_well
        lines[one.name] = line
        print(line, flush=True)
    if options.into:
        put_between_markers(options.into, lines)
    return 1 if failed else 0


def scored(one: Recordings, *, scripts: Path, split: str) -> tuple[str, bool]:
    """The line of the table, and whether the script ran to its end and found no peeking."""
    data = os.environ.get("HUB_SCORE_DATA", str(ROOT.parent / "shared" / "data"))
    environment = {**os.environ, "AD_DATA": str(Path(data).resolve())}
    hub = Path(sys.executable).with_name("hub")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, str(scripts / f"score_{one.script}.py"), "--detector", f"{hub} {one.command}"]
        command += ["--split", split, "--causality", "3", "--disguise", "7", "--json", str(answer)]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LONGEST_S, cwd=scripts)
        if not answer.exists():
            words = (ran.stderr.strip().splitlines() or ["no answer"])[-1]
            return f"| {one.name} | {one.aim} | failed: {words} | | |", False
        found = json.loads(answer.read_text())
    causality = str(found.get("causality", "not asked"))
    return f"| {one.name} | {one.aim} | {one.measured(found)} | {found['rows_per_second']:,} | {causality} |", (
        ran.returncode == 0
    )


def put_between_markers(file: Path, lines: Mapping[str, str]) -> None:
    """Puts lines, by the names of recordings, into the table between the markers in `file`; others stay."""
    text = file.read_text()
    before, found, rest = text.partition(BEGIN)
    table, closed, after = rest.partition(END)
    if not found or not closed:
        raise SystemExit(f"{file} has no lines {BEGIN} … {END}")
    kept = {line.split("|")[1].strip(): line for line in table.splitlines() if line.startswith("| ")}
    rows = [row for one in SETS if (row := lines.get(one.name) or kept.get(one.name))]
    file.write_text(f"{before}{BEGIN}\n{HEAD}\n" + "\n".join(rows) + f"\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
