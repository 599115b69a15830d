"""Videos that people send: checked by what is in them, not by name, and stripped of where they were taken.

No decoder of ours ever reads them: the container's own structure says what they are, how long and how large, and what
is neither picture nor sound is blanked in place. CPU-bound; callers run `clean_video` in a thread.
"""

import hashlib
import math
from dataclasses import dataclass

from ticketing.errors import VideoRefused
from ticketing.iso_media import BadContainer, IsoFile
from ticketing.webm import WebmFile

MAX_VIDEO_BYTES = 50 * 1024 * 1024
MAX_DURATION_S = 180
# A frame of 4K.
MAX_FRAME_PIXELS = 3840 * 2160
FORMATS = "MP4, MOV, WebM"

_WEBM = b"\x1aE\xdf\xa3"
_SUFFIX = {"video/mp4": "mp4", "video/quicktime": "mov", "video/webm": "webm"}


@dataclass(frozen=True)
class Video:
    """A video as it is kept: of the length it came in, without any metadata. `location` is what the file said of
    where it was taken, as ISO 6709, when that was asked for; the file does not say so any more."""

    data: bytes
    media_type: str
    width_px: int
    height_px: int
    duration_s: float | None
    sha256: str
    location: str | None

    @property
    def suffix(self) -> str:
        return _SUFFIX[self.media_type]


def clean_video(raw: bytes, *, is_located: bool = False) -> Video:
    """The video in `raw` (MP4, QuickTime or WebM) as we keep it; with `is_located` its `location` is looked for.

    Raises VideoRefused: too_large, not_a_video, too_many_pixels, too_long.
    """
    if len(raw) > MAX_VIDEO_BYTES:
        raise VideoRefused(reason="too_large", limit=f"{MAX_VIDEO_BYTES // 1024 // 1024} MB")
    data = bytearray(raw)
    file = WebmFile(data) if raw.startswith(_WEBM) else IsoFile(data)
    try:
        movie = file.read()
        location = file.location() if is_located and isinstance(file, IsoFile) else None
        _check(duration_s=movie.duration_s, pixels=movie.width_px * movie.height_px)
        file.clean()
    except BadContainer:
        raise VideoRefused(reason="not_a_video", limit=FORMATS) from None
    kept = bytes(data)
    digest = hashlib.sha256(kept).hexdigest()
    return Video(kept, movie.media_type, movie.width_px, movie.height_px, movie.duration_s, digest, location)


def is_video(media_type: str) -> bool:
    return media_type in _SUFFIX


def suffix_of(media_type: str) -> str:
    """What a kept file of this type is called behind the dot."""
    return _SUFFIX.get(media_type, "jpg")


def _check(*, duration_s: float | None, pixels: int) -> None:
    if pixels == 0 or (duration_s is not None and not math.isfinite(duration_s)):
        raise VideoRefused(reason="not_a_video", limit=FORMATS)
    if pixels > MAX_FRAME_PIXELS:
        raise VideoRefused(reason="too_many_pixels", limit=f"{MAX_FRAME_PIXELS // 1_000_000} MP")
    if duration_s is not None and duration_s > MAX_DURATION_S:
        raise VideoRefused(reason="too_long", limit=f"{MAX_DURATION_S} s")
