"""Examples of orders for the API's documentation: an elevator's door fault that an owner reported as well."""

from pydantic.config import JsonDict

_SITE = "0198b5a0-0000-7000-8000-000000000001"
_PERSON = "0198b5a0-0000-7000-8000-0000000000aa"
_REPORT = "0198b5a0-0000-7000-8000-000000000101"
_OPENED_AT = "2026-11-22T02:12:00Z"
_ACCEPTED_AT = "2026-11-22T02:13:20Z"
_PROMISED_AT = "2026-11-22T02:42:00Z"

ORDER_LINE: JsonDict = {
    "id": "0198b5a0-0000-7000-8000-000000000007", "site_id": _SITE, "number": "WO-20261122-0007", "kind": "repair",
    "category": "elevator", "channel": "sensor", "state": "accepted", "stage": None, "priority": 2,
    "title": {"zh-CN": "LIFT-06 电梯门反复开关", "en": "LIFT-06 door opens again and again"}, "place": "3栋2单元",
    "building_id": "0198b5a0-0000-7000-8000-000000000003", "space_id": None,
    "equipment_id": "0198b5a0-0000-7000-8000-000000000006", "equipment_code": "LIFT-06", "fault_mode": "door_stuck",
    "assignee_id": _PERSON, "assignee_name": "张伟", "reports": 1, "is_life_safety": False, "is_repeat": False,
    "is_overdue": False, "proof": None, "root_id": None, "opened_at": _OPENED_AT,
    "response_due_at": "2026-11-22T02:22:00Z",
    "resolution_due_at": "2026-11-22T06:12:00Z", "promised_at": _PROMISED_AT, "version": 3,
}  # fmt: skip

TASK: JsonDict = {
    "id": "0198b5a0-0000-7000-8000-000000000201", "kind": "release", "state": "accepted", "is_required": True,
    "assignee_id": _PERSON, "assignee_name": "张伟", "facts": {"rescue_code": "330006"}, "created_at": _OPENED_AT,
    "due_at": _PROMISED_AT, "met_at": None, "ended_at": None, "escalated_at": None, "outcome": None, "note": None,
    "actions": ["arrive", "finish"],
}  # fmt: skip

REPORT: JsonDict = {
    "id": _REPORT, "reporter_id": None, "reporter_name": "王女士", "taken_by": _PERSON, "channel": "phone",
    "category": "elevator", "fault_mode": "door_stuck", "text": "电梯门关不上", "contact_phone": "138****8000",
    "is_anonymous": False,
    "place": "3栋2单元", "joined": True,
    "answers": [
        {
            "key": "permit_no", "names": {"zh-CN": "许可证号", "en": "Permit number"}, "unit": None, "value": "A-17",
            "value_names": [],
        }
    ],
    "appointment_at": None, "created_at": "2026-11-22T02:12:40Z",
}  # fmt: skip

TIMELINE: JsonDict = {
    "position": 4, "at": _ACCEPTED_AT, "what": "moved", "actor_id": _PERSON, "actor_name": "张伟", "why": None,
    "before": {"state": "dispatched"}, "after": {"state": "accepted"},
}  # fmt: skip

PHOTO: JsonDict = {
    "id": "0198b5a0-0000-7000-8000-000000000301", "report_id": _REPORT, "added_by": _PERSON,
    "added_at": "2026-11-22T02:14:00Z", "media_type": "image/jpeg", "size_bytes": 284113, "width_px": 1600,
    "height_px": 1200, "purpose": "work", "location": None,
}  # fmt: skip

VIDEO: JsonDict = {
    **PHOTO,
    "id": "0198b5a0-0000-7000-8000-000000000302", "media_type": "video/mp4", "size_bytes": 8841133, "width_px": 1920,
    "height_px": 1080, "duration_s": 12.4, "location": "+30.2741+120.1551/",
}  # fmt: skip

ORDER: JsonDict = {
    **ORDER_LINE,
    "kind_version": 1, "kind_name": {"zh-CN": "设备故障", "en": "Equipment fault"},
    "stage_name": {"zh-CN": "已接单", "en": "Accepted"}, "topic": None, "form": {}, "appointment_at": None,
    "admitted_at": None,
    "repeat_of": None, "dispatched_at": _OPENED_AT, "responded_at": _ACCEPTED_AT, "arrived_at": None,
    "answer_due_at": None, "held_since": None, "hold_until": None, "done_at": None, "proof_due_at": None,
    "verified_at": None, "settled_at": None, "closing_code": None, "closing_note": None, "fire_outcome": None,
    "found_mode": None, "cause": None, "remedy": None, "proof_facts": {},
    "family": {
        "root": None, "children": [], "merged_into": None, "absorbed": [], "repeats": None, "duplicates": None,
    },
    "outage_confirmed_at": None, "facts": {"door_cycles": 48213, "door_open_s": 92},
    "actions": [{"action": "finish", "name": {"zh-CN": "完工", "en": "Finish"}, "required": ["closing_code"]}],
    "tasks": [], "timeline": [TIMELINE],
    "report_list": [REPORT],
    "offers": [
        {
            "person_id": _PERSON, "person_name": "张伟", "chosen_by": None, "mode": "auto", "score": 30,
            "reasons": [{"factor": "skill", "points": 30, "count": 1}], "offered_at": _OPENED_AT,
            "outcome": "accepted", "ended_at": _ACCEPTED_AT,
        }
    ],
    "contractor": None, "photos": [PHOTO], "videos": [VIDEO],
    "alarms": [
        {
            "alarm_id": "0198b5a0-0000-7000-8000-000000000401", "fault_mode": "door_stuck", "onset_at": _OPENED_AT,
            "acknowledged_at": _ACCEPTED_AT, "returned_at": None,
        }
    ],
}  # fmt: skip
