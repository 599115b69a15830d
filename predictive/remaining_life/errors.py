"""Why no remaining life can be told."""


class TooFewLives(Exception):
    """Remaining life is learned from finished lives, and there are too few, or nothing in them changes."""

    def __init__(self, *, have: int, need: int) -> None:
        super().__init__(
            f"there are {have} finished lives with points that change, and {need} are needed: "
            "add lives that ran to failure"
        )
        self.have = have
        self.need = need
