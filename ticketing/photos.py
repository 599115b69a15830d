"""Pictures that people send: checked by content, not by name, re-encoded, stripped of where they were taken.

CPU-bound; callers run `clean_photo` in a thread.
"""

import hashlib
import io
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ticketing.errors import PhotoRefused

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_EDGE_PX = 2560
JPEG_QUALITY = 85
_FORMATS = ("JPEG", "PNG", "WEBP")
GPS = ExifTags.GPS
# Pillow reports broken files of different formats, and broken EXIF in them, with all of these.
_BROKEN = (
    UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, OverflowError,
    ZeroDivisionError, struct.error, Image.DecompressionBombError,
)  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """A picture as it is kept: JPEG without any metadata, upright, no edge longer than MAX_EDGE_PX."""

    data: bytes
    width_px: int
    height_px: int
    sha256: str

    media_type = "image/jpeg"


def clean_photo(raw: bytes) -> Photo:
    """The picture in `raw` (JPEG, PNG or WebP) as we keep it.

    Raises PhotoRefused: too_large, not_an_image, too_many_pixels.
    """
    if len(raw) > MAX_BYTES:
        raise PhotoRefused(reason="too_large", limit=f"{MAX_BYTES // 1024 // 1024} MB")
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            # The header tells the size before a single pixel is decoded: a bomb never goes off.
            if image.width * image.height > MAX_PIXELS:
                raise PhotoRefused(reason="too_many_pixels", limit=f"{MAX_PIXELS // 1_000_000} MP")
            return _encode(image)
    except _BROKEN:
        raise PhotoRefused(reason="not_an_image", limit="JPEG, PNG, WebP") from None


def where_taken(raw: bytes) -> str | None:
    """Where a picture says it was taken, as ISO 6709 (`+30.2741+120.1551/`); None where it does not, or nonsense."""
    try:
        with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
            told = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)
            latitude, longitude = (
                _degrees(told[tag], negative=told[reference] in ("S", "W"))
                for tag, reference in ((GPS.GPSLatitude, GPS.GPSLatitudeRef), (GPS.GPSLongitude, GPS.GPSLongitudeRef))
            )
    except _BROKEN:
        return None
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        return None
    return f"{latitude:+08.4f}{longitude:+09.4f}/"


def _degrees(parts: Sequence[float], *, negative: bool) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    found = degrees + minutes / 60 + seconds / 3600
    return -found if negative else found


def _encode(image: Image.Image) -> Photo:
    image.draft("RGB", (MAX_EDGE_PX, MAX_EDGE_PX))
    upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((MAX_EDGE_PX, MAX_EDGE_PX), Image.Resampling.LANCZOS)
    # A new canvas carries pixels only: EXIF, XMP, comments and colour profiles stay behind.
    bare = Image.new("RGB", upright.size)
    bare.paste(upright)
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=JPEG_QUALITY)
    data = out.getvalue()
    return Photo(data, bare.width, bare.height, hashlib.sha256(data).hexdigest())
