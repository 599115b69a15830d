"""Event → handlers: the whole table. A handler runs after the commit it hears of, in a transaction of its own.

`when` says which events concern a handler at all: the others become no job. A flood of alarms that are no work costs
no jobs then.
"""

from alarms.events import (
    AlarmAcknowledged,
    AlarmAssigned,
    AlarmGroupGrew,
    AlarmRaised,
    AlarmReminded,
    AlarmReturned,
    AlarmSeverityChanged,
    TestWindowChanged,
)
from catalog.events import DeviceBound, LinkChanged
from device_adapters.mqtt.binding import KeptSamples
from hub.rooms import Rooms
from insight.predictions.outcomes import says_something
from kit.events import Subscription, on
from notify.alerting.detector_tests import is_over as is_test_over
from notify.alerting.escalating import is_for_people, is_ordinary_group
from predictive.predictions.events import PredictionWithdrawn
from stock.events import StockRanLow
from ticketing.approvals.events import ApprovalEnded
from ticketing.approvals.following import is_over
from ticketing.charging.charges import ends_or_begins_again
from ticketing.charging.events import QuotationDecided, QuotationMade
from ticketing.dispatch.events import OrderWaits
from ticketing.events import (
    CalendarYearUnknown,
    FireConfirmed,
    OutageConfirmed,
    PicturesErased,
    TargetWarned,
    TaskMoved,
    WorkOrderEscalated,
    WorkOrderJoined,
    WorkOrderMoved,
    WorkOrderOpened,
)
from ticketing.feedback.events import OrderRated, OrderUrged, VerdictGiven
from ticketing.handlers import is_work
from ticketing.incidents.events import ChildrenReleased, OrdersMerged
from ticketing.incidents.linking import has_equipment
from ticketing.proof.events import ProofDecided


def subscriptions(rooms: Rooms, kept: KeptSamples) -> list[Subscription]:
    links, ticketing = rooms.alarms.links, rooms.ticketing
    alarm, telling, triage = ticketing.alarm_handlers, ticketing.telling, ticketing.triage
    firing, work, alerting = rooms.automation.firing, ticketing.work, rooms.alerting.escalations
    running = rooms.linkage.running
    return [
        on(DeviceBound, kept.on_device_bound),
        # What the line says becomes an alarm …
        on(LinkChanged, links.on_link_changed),
        # … an alarm that is work becomes it, or proof that it was done …
        on(AlarmRaised, alarm.on_alarm_raised, when=is_work),
        on(AlarmSeverityChanged, alarm.on_alarm_raised, when=is_work),
        on(AlarmReturned, alarm.on_alarm_returned, when=is_work),
        on(AlarmAcknowledged, alarm.on_alarm_acknowledged, when=is_work),
        on(AlarmReminded, alarm.on_alarm_reminded),
        # … what is none is told by the site's policy, and groups of alarms are …
        on(AlarmRaised, alerting.on_alarm_raised, when=is_for_people),
        on(AlarmSeverityChanged, alerting.on_alarm_raised, when=is_for_people),
        on(AlarmGroupGrew, alerting.on_group_grew, when=is_ordinary_group),
        on(AlarmReminded, alerting.on_alarm_reminded),
        on(AlarmAcknowledged, alerting.on_alarm_acknowledged),
        on(AlarmAssigned, alerting.on_alarm_assigned),
        # … a test of detectors that is over is signed off …
        on(TestWindowChanged, rooms.alerting.tests.on_test_over, when=is_test_over),
        # … or sets off what was linked to it …
        on(AlarmRaised, running.on_alarm, when=running.may_act),
        on(AlarmSeverityChanged, running.on_alarm, when=running.may_act),
        # … what somebody found labels what was predicted …
        on(WorkOrderMoved, rooms.model_measures.outcomes.on_order_moved, when=says_something),
        # … what was only predicted, and is not any more, is no work …
        on(PredictionWithdrawn, rooms.predicted_orders.on_withdrawn),
        # … and whoever is concerned is told.
        on(WorkOrderOpened, triage.on_work_order_opened),
        # … orders with one root are put together …
        on(WorkOrderOpened, ticketing.incidents.linking.on_work_order_opened, when=has_equipment),
        on(ChildrenReleased, ticketing.incidents.children.on_children_released),
        on(ProofDecided, ticketing.charts.on_proof_decided),
        on(WorkOrderOpened, telling.on_opened),
        on(WorkOrderJoined, telling.on_joined),
        on(WorkOrderMoved, telling.on_moved),
        on(WorkOrderMoved, ticketing.feedback.telling.on_moved),
        on(OrderUrged, ticketing.feedback.telling.on_urged),
        on(VerdictGiven, ticketing.feedback.telling.on_verdict),
        on(OrdersMerged, ticketing.incidents.telling.on_merged),
        on(WorkOrderMoved, work.charges.on_moved, when=ends_or_begins_again),
        on(QuotationMade, work.quotation_telling.on_made),
        on(QuotationDecided, work.quotation_telling.on_decided),
        on(StockRanLow, work.stock_telling.on_ran_low),
        on(TaskMoved, telling.on_task_moved),
        on(ApprovalEnded, ticketing.approvals.following.on_ended),
        on(WorkOrderMoved, ticketing.approvals.following.on_moved, when=is_over),
        on(WorkOrderEscalated, telling.on_escalated),
        on(TargetWarned, telling.on_warned),
        on(OrderWaits, ticketing.dispatch.telling.on_order_waits),
        on(CalendarYearUnknown, ticketing.levels.telling.on_year_unknown),
        on(OutageConfirmed, telling.on_outage_confirmed),
        on(FireConfirmed, telling.on_fire_confirmed),
        on(PicturesErased, ticketing.attaching.on_pictures_erased),
        # What people have written down as rules follows of itself.
        on(WorkOrderOpened, firing.on_opened),
        on(WorkOrderJoined, firing.on_joined),
        on(WorkOrderMoved, firing.on_moved),
        on(WorkOrderEscalated, firing.on_escalated),
        on(OrderRated, firing.on_rated),
        on(ProofDecided, firing.on_proved),
    ]
