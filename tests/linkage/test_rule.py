"""When a rule is meant, and what keeps an action from being done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from alarms.events import AlarmRaised, AlarmSeverityChanged
from building.equipment import EquipmentKind
from building.severity import Severity
from device_adapters.commands.command import Outcome
from kit.i18n import Language, Texts
from kit.ids import new_id
from linkage.rule import OPEN, AlarmNow, Condition, Doing, Hindrance, RunState, Struck, holds, state_after
from linkage.running import Running
from linkage.settings import LinkageSettings

PUMP = new_id()
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PRESENT = AlarmNow(True, False, False, False, False, False)
WORDS = Texts.load(["kit", "linkage"])


def struck(severity: Severity = Severity.MAJOR) -> Struck:
    return Struck("leak", "leak.rule", PUMP, EquipmentKind.PUMP, severity)


MEANT = {
    "fault_modes": ((), ("leak",), ("overheat",)),
    "source_ids": ((), ("leak.rule",), ("other",)),
    "equipment_ids": ((), (PUMP,), (new_id(),)),
    "equipment_kinds": ((), (EquipmentKind.PUMP, EquipmentKind.FAN), (EquipmentKind.FAN,)),
}


@given(picks=st.tuples(*[st.integers(0, 2)] * 4), least=st.sampled_from([None, *Severity]), is_as_bad=st.booleans())
def test_all_that_a_condition_names_must_hold_and_it_must_name_something(
    picks: tuple[int, ...], least: Severity | None, is_as_bad: bool
) -> None:
    chosen = dict(zip(MEANT, picks, strict=True))
    condition = Condition(**{name: MEANT[name][pick] for name, pick in chosen.items()}, least_severity=least)  # type: ignore[arg-type]
    severity = Severity.CRITICAL if is_as_bad else Severity.WARNING
    names_something = any(chosen[name] for name in ("fault_modes", "source_ids", "equipment_ids"))
    wanted = names_something and 2 not in picks and (least is None or severity.rank <= least.rank)
    assert holds(condition, struck(severity)) is wanted


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_of_a_command_ends_its_run(outcome: Outcome) -> None:
    assert state_after(outcome) not in OPEN


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, None), ({"is_on": False}, Hindrance.SWITCHED_OFF), ({"is_same_rule": False}, Hindrance.RULE_CHANGED),
        ({"expires_at": NOW - timedelta(seconds=1)}, Hindrance.TOO_LATE), ({"done_this_hour": 6}, Hindrance.TOO_OFTEN),
        ({"alarm": None}, Hindrance.ALARM_OVER), ({"alarm": replace(PRESENT, is_test=True)}, Hindrance.ALARM_MUTED),
    ],
)  # fmt: skip
def test_what_is_off_late_too_often_or_for_nothing_is_not_done(
    fields: dict[str, Any], wanted: Hindrance | None
) -> None:
    ready = Doing(True, True, PRESENT, expires_at=NOW, done_this_hour=5, most_an_hour=6)
    assert replace(ready, **fields).hindrance(now=NOW) is wanted


def test_an_action_is_for_an_alarm_that_stands() -> None:
    """Every alarm there can be: ordinary ones are over when their condition is, all when a person says so."""
    for values in product([False, True], repeat=6):
        alarm = AlarmNow(*values)
        muted = alarm.is_test or alarm.is_held_back or (alarm.is_explained and not alarm.life_safety)
        over = alarm.is_normal or (not alarm.life_safety and not alarm.is_present)
        assert alarm.hindrance is (Hindrance.ALARM_MUTED if muted else Hindrance.ALARM_OVER if over else None)


@pytest.mark.parametrize("language", list(Language))
def test_every_state_and_hindrance_has_its_words(language: Language) -> None:
    keys = [f"linkage.state.{one}" for one in RunState] + [f"linkage.hindrance.{one}" for one in Hindrance]
    assert all(WORDS.text(key, language) for key in keys)


def test_an_alarm_is_a_job_only_where_linkage_is_switched_on_and_only_if_it_speaks_for_itself() -> None:
    said: dict[str, Any] = {
        "site_id": new_id(), "life_safety": False, "alarm_id": new_id(), "equipment_id": PUMP, "source": "rule",
        "source_id": "leak.rule", "fault_mode": "leak", "severity": Severity.MAJOR, "onset_at": NOW,
    }  # fmt: skip
    raised = AlarmRaised(**said)
    explained, tested = AlarmRaised(**said, root_id=new_id()), AlarmRaised(**said, is_test=True)
    better, worse = (AlarmSeverityChanged(**said, is_worse=is_worse) for is_worse in (False, True))
    switched = {on: _running(LinkageSettings(enabled=on, _env_file=None)) for on in (False, True)}
    every = (raised, explained, tested, better, worse)
    assert [event for event in every if switched[True].may_act(event)] == [raised, worse]
    assert not any(switched[False].may_act(event) for event in every)


def _running(settings: LinkageSettings) -> Running:
    """One that is asked only what it makes a job of."""
    nobody: Any = None
    return Running(
        database=nobody, app=nobody, commands=nobody, checking=nobody, alarms=nobody, telling=nobody,
        settings=settings, clock=nobody, registry=CollectorRegistry(),
    )  # fmt: skip
