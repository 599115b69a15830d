"""Putting messages into streams, on a real nats-server."""

import nats.errors
import pytest

from bus.client import Bus
from bus.publishing import NotKept, Publishing
from bus.subjects import READINGS_STREAM
from kit.supervision.nats import MAX_PAYLOAD_BYTES


async def test_many_in_one_write_are_kept_in_their_order(bus: Bus) -> None:
    publishing = bus._publishing
    messages = [publishing.outgoing(f"readings.{number % 3}", b"%d" % number) for number in range(50)]
    assert await publishing.attempt(messages) == list(range(1, 51))


async def test_sent_again_a_message_has_the_sequence_it_had(bus: Bus) -> None:
    publishing = bus._publishing
    once, twice = publishing.outgoing("readings.0", b"a"), publishing.outgoing("readings.0", b"a")
    assert await publishing.attempt([once, twice]) == [1, 2]
    assert await publishing.attempt([twice, once]) == [2, 1]
    assert (await bus.jetstream().stream_info(READINGS_STREAM.name)).state.messages == 2


async def test_what_no_stream_takes_is_told_and_the_rest_is_kept(bus: Bus) -> None:
    publishing = bus._publishing
    kept, lost = await publishing.attempt(
        [publishing.outgoing("readings.0", b"a"), publishing.outgoing("no.where", b"a")]
    )
    assert kept == 1
    assert isinstance(lost, NotKept)
    assert "503" in str(lost)


async def test_what_a_full_stream_refuses_says_why(bus: Bus) -> None:
    stream = bus.jetstream()
    config = (await stream.stream_info(READINGS_STREAM.name)).config
    config.max_bytes = 1_000
    await stream.update_stream(config)
    publishing = bus._publishing
    kept, refused = await publishing.attempt([publishing.outgoing("readings.0", bytes(800)) for _ in range(2)])
    assert kept == 1
    assert "maximum bytes exceeded" in str(refused)


async def test_a_message_that_no_server_takes_is_an_error_at_once(bus: Bus) -> None:
    publishing = bus._publishing
    header = publishing.outgoing("readings.0", b"").size
    with pytest.raises(nats.errors.MaxPayloadError):
        await publishing.attempt([publishing.outgoing("readings.0", bytes(MAX_PAYLOAD_BYTES - header + 1))])
    assert await publishing.attempt([publishing.outgoing("readings.0", bytes(MAX_PAYLOAD_BYTES - header))]) == [1]


def test_no_two_processes_give_the_same_ids(bus: Bus) -> None:
    many = [Publishing(bus._wire, timeout_s=1) for _ in range(50)]
    ids = [one.outgoing("readings.0", b"").message_id for one in many for _ in range(50)]
    assert len(set(ids)) == len(ids)
