"""QR labels: the picture that goes onto an equipment, and what a phone opens when it reads it."""

import io

import qrcode
from qrcode.constants import ERROR_CORRECT_Q


class QrLabels:
    """`base_url`: how people reach the hub; it is printed, so it should be one that lasts."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")

    def address(self, token: str) -> str:
        return f"{self._base_url}/q/{token}"

    def png(self, token: str) -> bytes:
        # Level Q: a label in a pump room loses a quarter of itself to dirt and still reads.
        code = qrcode.QRCode(error_correction=ERROR_CORRECT_Q, box_size=8, border=4)
        code.add_data(self.address(token))
        picture = io.BytesIO()
        code.make_image().save(picture)
        return picture.getvalue()
