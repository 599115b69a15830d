"""What `hub rules replay` reads and prints; the replay itself is `tests/insight/test_story_rules.py`."""

import pytest

from hub.rule_replay import definition_in, lines_of
from insight.rules.errors import NoRuleToReplay
from insight.rules.schemas import ReplayAnswerOut, ReplaySideOut
from rules.versions.errors import DocumentUnreadable, FieldNotRight

DRAFTS = """
profile = "grundfos-cim-pump"
[[rules]]
key = "hot"
name = { zh-CN = "热", en = "Hot" }
message = { zh-CN = "热", en = "Hot" }
when = "bearing_temp_c > 75"
severity = "major"
fault_mode = "bearing_wear"
[[rules]]
key = "quiet"
name = { zh-CN = "静", en = "Quiet" }
message = { zh-CN = "静", en = "Quiet" }
missing = "10m"
severity = "minor"
fault_mode = "silent"
"""


def test_a_file_of_drafts_gives_its_first_or_the_one_named() -> None:
    assert definition_in(DRAFTS, "").key == "hot"
    assert definition_in(DRAFTS, "quiet").profile == "grundfos-cim-pump"
    with pytest.raises(NoRuleToReplay):
        definition_in(DRAFTS, "other")
    own = DRAFTS.replace('key = "quiet"', 'key = "quiet"\nkind = "pump"')
    assert (definition_in(own, "quiet").profile, definition_in(own, "quiet").kind) == (None, "pump")
    with pytest.raises(FieldNotRight) as refused:
        definition_in(DRAFTS.replace('"10m"', "600"), "quiet")
    assert "1h30m" in refused.value.problem["en"]
    with pytest.raises(DocumentUnreadable):
        definition_in("rules = ", "")


def test_both_rules_stand_side_by_side() -> None:
    side = ReplaySideOut(
        equipment_in_all=5, alarms=11, lasting=0, median_min=60.0, longest_min=61.0, total_min=660.0, by_day=[],
        by_equipment=[], orders=9, met=4, refuted=7, undecided=0, unmet=0, precision=0.3636, faults=4, faults_found=4,
        recall=1.0, lead_min=None, last_alarms=[], missed_faults=[],
    )  # fmt: skip
    answer = ReplayAnswerOut(
        draft=side, present=side.model_copy(update={"alarms": 8}), only_draft=3, only_present=0, readings=21_600_000,
        took_s=12.5, failing=["ValueError()"],
    )  # fmt: skip
    lines = list(lines_of(answer))
    assert lines[2].split() == ["alarms", "11", "8"]
    assert [line.split() for line in lines if line.startswith(("precision", "recall"))] == [
        ["precision", "36%", "36%"], ["recall", "100%", "100%"],
    ]  # fmt: skip
    assert "21,600,000 readings in 12.5 s" in lines
    assert lines[-1].endswith("ValueError()")
