"""What a prediction turned out to be."""

from enum import StrEnum


class PredictionLabel(StrEnum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"  # nobody looked in time, or what they found says nothing of it


class LabelWhy(StrEnum):
    """How that is known."""

    CLOSING_CODE = "closing_code"  # of the order it became
    PARTS_USED = "parts_used"  # on that order, though its closing code says nothing
    OTHER_FAULT = "other_fault"  # a real fault, but not the predicted one
    FAILED_LATER = "failed_later"  # no order was made of it, and a repair for a real fault followed
    DID_NOT_FAIL = "did_not_fail"  # no order was made of it, and nothing failed within its time
    PERSON = "person"  # somebody said so on the prediction
    NOBODY_LOOKED = "nobody_looked"
