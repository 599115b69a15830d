"""Why somebody was told of an alarm, or nobody was: the words of the record, each explained in `locales/`."""

from enum import StrEnum


class Reason(StrEnum):
    # How it began.
    BEGUN = "begun"
    WAITS_QUIET = "waits_quiet"
    WAITS_DIGEST = "waits_digest"
    REOPENED = "reopened"
    REMINDED = "reminded"
    CAME_AGAIN = "came_again"
    # Who was told and what made it them.
    TOLD_DUTY = "told_duty"
    TOLD_ROLE = "told_role"
    TOLD_NAMED = "told_named"
    TOLD_ASSIGNED = "told_assigned"
    TOLD_ANSWERABLE = "told_answerable"
    TOLD_TESTER = "told_tester"
    TOLD_DESTINATION = "told_destination"
    TOLD_DIGEST = "told_digest"
    DESTINATION_OFF = "destination_off"
    NOBODY_FOUND = "nobody_found"
    # How it ended.
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    RETURNED = "returned"
    HELD_BACK = "held_back"
    EXPLAINED = "explained"
    GROUPED = "grouped"
    ORDER_TELLS = "order_tells"
    NO_ROUTE = "no_route"
    SILENT = "silent"
    TEST = "test"
    CHAIN_OVER = "chain_over"
    SUPERSEDED = "superseded"
    SEVERITY_ROSE = "severity_rose"
    RAISED_ANEW = "raised_anew"
    GONE = "gone"
    DIGESTED = "digested"
