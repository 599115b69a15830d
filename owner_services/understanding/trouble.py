"""What is wrong, from an owner's words. Pure."""

from owner_services.understanding.signs import LOOKALIKES, SIGNS, Sign


def find_trouble(text: str) -> Sign | None:
    """The first sign of the table that shows in a normalised text; None when nothing does.

    A word that merely names a thing (电梯, 单元门) is no trouble yet.
    """
    for pattern, stand_in in LOOKALIKES:
        text = pattern.sub(stand_in, text)
    return next((sign for sign in SIGNS if sign.shows_in(text)), None)
