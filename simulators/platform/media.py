"""Pictures users send: kept for WeChat's media/get and PicUrl."""

import io
import secrets
from collections import OrderedDict

from PIL import Image, ImageDraw

SHELF = 100


class MediaShelf:
    """The latest pictures by media id."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, picture: bytes) -> str:
        media_id = secrets.token_urlsafe(24)
        self._pictures[media_id] = picture
        if len(self._pictures) > SHELF:
            self._pictures.popitem(last=False)
        return media_id

    def find(self, media_id: str) -> bytes | None:
        return self._pictures.get(media_id)


def sample_picture() -> bytes:
    """A small JPEG that stands for a photo of a puddle."""
    picture = Image.new("RGB", (480, 320), (206, 209, 212))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 480, 130), fill=(232, 232, 228))
    pen.ellipse((70, 190, 410, 290), fill=(118, 156, 190))
    pen.line((240, 0, 240, 190), fill=(150, 184, 214), width=6)
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return file.getvalue()
