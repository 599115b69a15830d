"""What can go wrong between processes on the bus."""


class RequestFailed(RuntimeError):
    """The other side answered that it could not: the message is its own words."""


class NobodyAnswers(RuntimeError):
    """No process serves that subject, or it did not answer in time."""


class NobodyServes(NobodyAnswers):
    """No process serves that subject now: it is certain that nobody was asked."""


class BusNotReady(RuntimeError):
    """The bus answers, but does not take the hub's streams."""

    def __init__(self, stream: str, *, replicas: int, reason: str) -> None:
        super().__init__(
            f"the bus does not take the stream {stream} with {replicas} replicas ({reason}): let at least {replicas} "
            "servers of the cluster run, with JetStream and room on their disks, or set HUB_NATS_REPLICAS"
        )
