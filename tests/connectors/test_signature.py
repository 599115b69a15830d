"""Signatures as the Standard Webhooks specification has them."""

import base64
from datetime import UTC, datetime

from connectors.signature import headers_of, secret_of, sign
from kit.ids import new_id

# The vector of the specification's own libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = datetime.fromtimestamp(1614265330, UTC)
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_specifications_own_message_has_its_own_signature() -> None:
    assert sign(SECRET, message_id=MESSAGE_ID, timestamp=1614265330, body=BODY) == SIGNATURE
    assert headers_of([SECRET], message_id=MESSAGE_ID, at=AT, body=BODY) == {
        "webhook-id": MESSAGE_ID, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE,
        "content-type": "application/json",
    }  # fmt: skip


def test_while_a_secret_is_replaced_both_sign() -> None:
    other = secret_of("master", endpoint_id=new_id(), generation=2)
    signed = headers_of([other, SECRET], message_id=MESSAGE_ID, at=AT, body=BODY)["webhook-signature"]
    assert len(signed.split(" ")) == 2
    assert SIGNATURE in signed.split(" ")


def test_a_secret_depends_on_the_hub_the_endpoint_and_its_generation_alone() -> None:
    one, other = new_id(), new_id()
    made = [
        secret_of(master, endpoint_id=endpoint, generation=generation)
        for master in ("a", "b") for endpoint in (one, other) for generation in (1, 2)
    ]  # fmt: skip
    assert len(set(made)) == len(made)
    assert made[0] == secret_of("a", endpoint_id=one, generation=1)
    assert len(base64.b64decode(made[0].removeprefix("whsec_"))) == 32
