"""What can go wrong between processes on the bus."""


class RequestFailed(RuntimeError):
    """The other side answered that it could not: the message is its own words."""


class NobodyAnswers(RuntimeError):
    """No process serves that subject, or it did not answer in time."""
