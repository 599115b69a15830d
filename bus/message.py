"""A message as a consumer of a stream gives it out, and the answer to it."""

import json

from bus.answers import Answers

# $JS.ACK.<stream>.<consumer>.<delivered>.<sequence>.<number>.<time>.<pending>; with a domain and an account after ACK
# on servers that have such.
_PLAIN_TOKENS, _PLAIN_AT, _DOMAIN_AT = 9, 5, 7


class Message:
    """`sequence` orders the messages of its stream, `number` counts what the consumer gave out, from 1 on, and
    `arrived_ms` is when the bus took it, in UTC: the same for every delivery of it."""

    __slots__ = ("_answers", "_reply", "arrived_ms", "data", "number", "sequence", "subject")

    def __init__(self, subject: bytes, reply: bytes, data: bytes, answers: Answers) -> None:
        tokens = reply.split(b".")
        at = _PLAIN_AT if len(tokens) == _PLAIN_TOKENS else _DOMAIN_AT
        self.subject = subject.decode()
        self.data = data
        self.sequence = int(tokens[at])
        self.number = int(tokens[at + 1])
        self.arrived_ms = int(tokens[at + 2]) // 1_000_000
        self._reply = reply
        self._answers = answers

    async def ack(self) -> None:
        self._answers.soon(self._reply, b"")

    async def nak(self, delay: float | None = None) -> None:
        """`delay` in seconds."""
        after = b" " + json.dumps({"delay": int(delay * 1e9)}).encode() if delay else b""
        await self._answers.now(self._reply, b"-NAK" + after)

    async def term(self) -> None:
        self._answers.soon(self._reply, b"+TERM")
