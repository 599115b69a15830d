"""Text that came from outside: a device, a spreadsheet, a request."""

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

LIMIT = 500


def storable(text: str) -> str:
    """The text as PostgreSQL can keep it: no NUL, no lone surrogate, at most 500 characters."""
    return text.replace("\x00", "�").encode("utf-8", "replace").decode("utf-8")[:LIMIT]


def _without_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain the character NUL")
    return text


# What requests may bring: trimmed, without NUL, bounded.
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LIMIT), AfterValidator(_without_nul)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(_without_nul)
]
# What is written to be read: paragraphs.
Passage = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000), AfterValidator(_without_nul)
]
