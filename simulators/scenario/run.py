"""Plays a scenario step by step, prints each with its measured time, and says whether all was as expected."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, assert_never

from kit.i18n import Language, Texts
from simulators.errors import BadScenario, ScenarioCannotGoOn
from simulators.scenario.hub import Doors
from simulators.scenario.parse import read_scenario
from simulators.scenario.saved import Saved
from simulators.scenario.settle import settle
from simulators.scenario.steps import Call, Chat, EndFaults, Expect, Scenario, StartFault, Step, Wait
from simulators.scenario.targets import Targets
from simulators.settings import ROOMS_WITH_TEXTS

LOOK_EVERY_S = 0.1
SHOWN_CHARACTERS = 400

Say = Callable[[str], None]


class NotAsExpected(Exception):
    """A step did not turn out as the scenario says; the message says what was there instead."""


async def run_file(file: Path, targets: Targets, *, language: Language, say: Say, patience: float = 1.0) -> bool:
    """Whether everything was as expected. Raises BadScenario."""
    scenario = read_scenario(file).with_patience(patience)
    texts = Texts.load(ROOMS_WITH_TEXTS)
    started = time.monotonic()
    say(scenario.title[language])
    if about := scenario.about[language]:
        say(about)
    async with Doors(targets, since=datetime.now(UTC)) as doors:
        run = ScenarioRun(scenario, doors, language=language, texts=texts, say=say)
        held = await run.play()
    key = "simulators.held" if held else "simulators.failed"
    say(texts.text(key, language, seconds=f"{time.monotonic() - started:.1f}"))
    return held


class ScenarioRun:
    """One play of one scenario."""

    def __init__(self, scenario: Scenario, doors: Doors, *, language: Language, texts: Texts, say: Say) -> None:
        self._scenario = scenario
        self._doors = doors
        self._language = language
        self._texts = texts
        self._say = say
        self._saved = Saved()
        self._touched: dict[str, None] = {}  # devices with faults of ours
        self._action_at = time.monotonic()

    async def play(self) -> bool:
        try:
            self._saved.keep("me", await self._doors.log_in())
            for device in self._scenario.settle:
                await settle(self._doors, device)
            return await self._play_steps()
        except ScenarioCannotGoOn as error:
            self._say(f"✗ {self._texts.of_error(error, self._language)}")
            return False
        finally:
            await self._clean_up()

    async def _play_steps(self) -> bool:
        for number, step in enumerate(self._scenario.steps, start=1):
            try:
                took_s, limit_s = await self._play_step(step)
            except (NotAsExpected, BadScenario) as problem:
                self._say(f"✗ {number:>2}  {self._name(step)}")
                self._say(f"       {problem}")
                return False
            limit = f" ≤ {limit_s:g} s" if limit_s is not None else ""
            self._say(f"✓ {number:>2}  {took_s:6.2f} s{limit:<9} {self._name(step)}")
        return True

    async def _play_step(self, step: Step) -> tuple[float, float | None]:
        """(seconds it took, seconds it was allowed)."""
        if not isinstance(step, Expect):
            self._action_at = time.monotonic()
        match step:
            case StartFault():
                self._touched[step.device] = None
                await self._doors.start_fault(step)
            case EndFaults():
                await self._doors.end_faults(step.device)
            case Chat():
                return await self._chat(step), step.within_s
            case Call():
                await self._call(step)
            case Wait():
                await asyncio.sleep(step.seconds)
            case Expect():
                return await self._expect(step), step.within_s
            case _:
                assert_never(step)
        return time.monotonic() - self._action_at, None

    async def _chat(self, step: Chat) -> float:
        said = await self._doors.chat(step.openid, self._saved.fill(step.content))
        reply, problem, took_s = str(said["reply"]), said["problem"], float(said["took_s"])
        if problem or took_s > step.within_s:
            raise NotAsExpected(self._text("chat_failed", problem=problem or "", seconds=f"{took_s:.1f}"))
        wanted = self._saved.fill(step.reply)
        if wanted is not None and not re.search(wanted, reply):
            raise NotAsExpected(self._text("other_reply", wanted=wanted, reply=reply))
        return took_s

    async def _call(self, step: Call) -> None:
        json_body = None if step.json is None else self._saved.fill(step.json)
        response = await self._doors.call(step.method, self._saved.fill(step.path), json_body)
        if response.status_code != step.status:
            raise NotAsExpected(
                self._text("other_status", wanted=step.status, status=response.status_code, body=response.text[:300])
            )
        if step.save is not None:
            self._saved.keep(step.save, response.json())

    async def _expect(self, step: Expect) -> float:
        """Seconds from the latest action until it was so; then it has to stay so."""
        where = self._saved.fill(step.where)
        deadline = self._action_at + step.within_s
        while True:
            found = await self._doors.find(step.subject, where)
            if is_so(step, len(found)):
                break
            if time.monotonic() > deadline:
                raise NotAsExpected(await self._what_is_there(step, found))
            await asyncio.sleep(LOOK_EVERY_S)
        took_s = time.monotonic() - self._action_at
        if took_s > step.within_s:
            raise NotAsExpected(self._text("too_late", seconds=f"{took_s:.2f}", within=f"{step.within_s:g}"))
        if step.save is not None and found:
            self._saved.keep(step.save, found[0])
        stays_until = time.monotonic() + step.during_s
        while time.monotonic() < stays_until:
            await asyncio.sleep(LOOK_EVERY_S)
            found = await self._doors.find(step.subject, where)
            if not is_so(step, len(found)):
                raise NotAsExpected(await self._what_is_there(step, found))
        return took_s

    async def _what_is_there(self, step: Expect, found: list[Mapping[str, Any]]) -> str:
        device = {key: value for key, value in step.where.items() if key == "device"}
        everything = await self._doors.find(step.subject, device)
        shown = json.dumps(everything[:3], ensure_ascii=False)[:SHOWN_CHARACTERS]
        wanted = f">= {step.at_least}" if step.count is None else str(step.count)
        return self._text("not_there", subject=step.subject.value, wanted=wanted, found=len(found), shown=shown)

    async def _clean_up(self) -> None:
        for device in self._touched:
            with suppress(ScenarioCannotGoOn):
                await self._doors.end_faults(device)

    def _name(self, step: Step) -> str:
        return step.words[self._language] or type(step).__name__

    def _text(self, key: str, **facts: object) -> str:
        return self._texts.text(f"simulators.{key}", self._language, **facts)


def is_so(step: Expect, found: int) -> bool:
    return found >= step.at_least if step.count is None else found == step.count
