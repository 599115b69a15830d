"""The streams of the bus: made where they are not, changed where the settings say otherwise now."""

import asyncio
import time
from dataclasses import replace

import nats.errors
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, StorageType, StreamConfig
from nats.js.errors import BadRequestError, NoStreamResponseError

from bus.errors import BusNotReady
from bus.patience import PATIENCE_S, RETRY_S
from bus.subjects import StreamSpec
from kit.logs import logger

log = logger(__name__)

STREAM_EXISTS_OTHERWISE = 10058


async def ensure_stream(jetstream: JetStreamContext, spec: StreamSpec, *, replicas: int) -> None:
    """Raises BusNotReady when the servers have not taken the stream after `PATIENCE_S`."""
    config = StreamConfig(
        name=spec.name,
        subjects=[spec.subjects],
        storage=StorageType.FILE,
        # Full, it refuses: whoever publishes waits, and the device is not acknowledged. See `bus.keeper`.
        discard=DiscardPolicy.NEW,
        max_bytes=spec.max_bytes,
        num_replicas=replicas,
        duplicate_window=120,
    )
    waiting_since: float | None = None
    while True:
        try:
            await _settle(jetstream, config)
            return
        except (nats.errors.Error, NoStreamResponseError, TimeoutError) as error:
            # A server that has just started opens its streams first; a cluster waits for enough of its servers.
            if waiting_since is None:
                waiting_since = time.monotonic()
                log.warning("waiting for the bus to take the stream", stream=spec.name, error=str(error))
            if time.monotonic() - waiting_since > PATIENCE_S:
                raise BusNotReady(spec.name, replicas=replicas, reason=str(error)) from error
            await asyncio.sleep(RETRY_S)


async def _settle(jetstream: JetStreamContext, config: StreamConfig) -> None:
    """Makes the stream, or makes one that is there what the settings say now (more replicas)."""
    try:
        await jetstream.add_stream(config)
    except BadRequestError as error:
        if error.err_code != STREAM_EXISTS_OTHERWISE:
            raise
        there = (await jetstream.stream_info(str(config.name))).config
        # Fewer replicas are somebody's forgotten setting rather than a wish.
        config = replace(config, num_replicas=max(config.num_replicas or 1, there.num_replicas or 1))
        await jetstream.update_stream(config)
        log.info("stream changed", stream=config.name, replicas=config.num_replicas)
