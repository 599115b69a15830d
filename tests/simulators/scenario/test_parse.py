import tomllib
from pathlib import Path

import pytest

from kit.i18n import Language
from simulators.errors import BadScenario
from simulators.scenario.matching import matches
from simulators.scenario.parse import parse_scenario, read_scenario
from simulators.scenario.saved import Saved
from simulators.scenario.steps import Call, Chat, Expect, StartFault, Wait

SHIPPED = sorted(Path("simulators/scenarios").glob("*.toml"))


def parse(steps: str, head: str = 'title = "x"'):
    return parse_scenario(tomllib.loads(f"{head}\n{steps}"))


def test_seven_scenarios_are_shipped():
    assert [file.stem for file in SHIPPED] == [
        "bearing-wear", "entrapment", "gateway-offline", "phase-loss", "pipe-leak", "smoke", "two-owners-one-elevator",
    ]  # fmt: skip


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario_has_its_words_in_both_languages_and_settles_what_it_touches(file):
    scenario = read_scenario(file)
    for words in [scenario.title, scenario.about, *(step.words for step in scenario.steps)]:
        assert words[Language.ZH]
        assert words[Language.EN]
        assert words[Language.ZH] != words[Language.EN]
    touched = {step.device for step in scenario.steps if isinstance(step, StartFault)}
    assert touched <= set(scenario.settle)
    assert any(isinstance(step, Expect) for step in scenario.steps)


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_a_shipped_scenario_names_devices_of_the_demo_site(file):
    from building.declaration import parse_site
    from simulators.faults.catalog import fault_kind, require_fit
    from simulators.fleet.devices import DeviceRegister

    register = DeviceRegister(parse_site(tomllib.loads(Path("hub/demo/site.toml").read_text("utf-8"))))
    for step in read_scenario(file).steps:
        if isinstance(step, StartFault):
            device, kind = register.find(step.device), fault_kind(step.fault)
            require_fit(kind, device=device.code, equipment=device.kind, profile=device.profile)
            kind.complete(step.parameters)
        if isinstance(step, Expect) and "device" in step.where:
            register.find(step.where["device"])


def test_steps_are_read_with_their_defaults():
    scenario = parse(
        """
        [[step]]
        chat = "owner-1"
        text = "漏水"
        [[step]]
        call = "GET /api/v1/alarms"
        [[step]]
        wait = "2s"
        """
    )
    chat, call, wait = scenario.steps
    assert isinstance(chat, Chat)
    assert (chat.content, chat.reply, chat.within_s) == ({"text": "漏水"}, None, 5)
    assert isinstance(call, Call)
    assert (call.method, call.path, call.status, call.json) == ("GET", "/api/v1/alarms", 200, None)
    assert isinstance(wait, Wait)
    assert wait.seconds == 2


@pytest.mark.parametrize(
    ("steps", "place", "says"),
    [
        ("", "step", "has steps"),
        ("[[step]]\nname = 'x'", "step 1", "exactly one of"),
        ("[[step]]\nwait = '1s'\nend = 'X'", "step 1", "exactly one of"),
        ("[[step]]\nwait = '1s'\n[[step]]\nwait = 'soon'", "step 2, wait", "no duration"),
        ("[[step]]\nwait = '1s'\nhow = 'x'", "step 1, how", "unknown key"),
        ("[[step]]\nfault = 'smok'\ndevice = 'X'", "step 1, fault", "passenger-trapped"),
        ("[[step]]\nfault = 'smoke'", "step 1, device", "missing"),
        ("[[step]]\nfault = 'smoke'\ndevice = 'X'\nfor = 'long'", "step 1, for", "no duration"),
        ("[[step]]\nfault = 'smoke'\ndevice = 'X'\nwith = 3", "step 1, with", "table"),
        ("[[step]]\nexpect = 'miracle'\nwithin = '1s'", "step 1, expect", "alarm, order"),
        ("[[step]]\nexpect = 'alarm'", "step 1, within", "missing"),
        ("[[step]]\nexpect = 'alarm'\nwithin = '1s'\ncount = -1", "step 1, count", "whole number"),
        ("[[step]]\nexpect = 'alarm'\nwithin = '1s'\ncount = true", "step 1, count", "whole number"),
        ("[[step]]\ncall = 'alarms'", "step 1, call", "POST"),
        ("[[step]]\ncall = 'EAT /x'", "step 1, call", "POST"),
        ("[[step]]\nchat = 'o'", "step 1, chat", "text, image, event"),
        ("[[step]]\nchat = 'o'\ntext = 'a'\nreply = '('", "step 1, reply", "regular expression"),
        ("[[step]]\nwait = '1s'\nname = { en = 'x' }", "step 1, name", "zh-CN"),
        ("settle = 'X'\n[[step]]\nwait = '1s'", "settle", "list"),
        ("colour = 'x'\n[[step]]\nwait = '1s'", "colour", "unknown key"),
    ],
)
def test_a_mistake_is_refused_with_its_place(steps, place, says):
    with pytest.raises(BadScenario) as refused:
        parse(steps)
    assert refused.value.place == place
    assert says in refused.value.problem


def test_a_scenario_without_a_title_and_a_file_that_is_no_toml_are_refused(tmp_path):
    with pytest.raises(BadScenario, match="title"):
        parse("[[step]]\nwait = '1s'", head="")
    (tmp_path / "x.toml").write_text("[[step")
    with pytest.raises(BadScenario, match=r"x\.toml"):
        read_scenario(tmp_path / "x.toml")


ORDER = {
    "state": "done", "priority": 1, "reports": 0, "title": {"zh-CN": "电梯困人"},
    "tasks": [{"kind": "intercom", "id": "1"}, {"kind": "guard", "id": "2"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ({}, True),
        ({"state": "done", "priority": 1}, True),
        ({"state": "new"}, False),
        ({"state": ["new", "done"]}, True),
        ({"reports": 0}, True),  # zero is not missing
        ({"missing": 0}, False),
        ({"tasks": ["guard"]}, True),
        ({"tasks": ["guard", "contractor"]}, False),
        ({"contains": "困人"}, True),
        ({"contains": "漏水"}, False),
        ({"title": {"zh-CN": "电梯困人"}}, True),
    ],
)
def test_things_match_by_what_is_asked_of_them(where, fits):
    assert matches(ORDER, where) is fits


def test_saved_things_fill_braces_through_tables_and_lists():
    saved = Saved()
    saved.keep("order", ORDER | {"id": "o-1"})
    filled = saved.fill({"a": ["{order.id}", 5], "b": "x{order.tasks.guard.id}y{order.tasks.0.id}"})
    assert filled == {"a": ["o-1", 5], "b": "x2y1"}
    for missing in ("{other.id}", "{order.nothing}", "{order.tasks.contractor.id}", "{order.tasks.7.id}"):
        with pytest.raises(BadScenario):
            saved.fill(missing)
