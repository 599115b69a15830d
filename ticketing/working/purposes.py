"""What a picture of an order is for."""

from enum import StrEnum


class PhotoPurpose(StrEnum):
    WORK = "work"
    BEFORE = "before"
    AFTER = "after"
    SIGNATURE = "signature"
