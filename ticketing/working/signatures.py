"""A signature as strokes on glass: a PNG, laid on white, refused when there is nothing on it. CPU-bound, pure."""

import io

from PIL import Image, UnidentifiedImageError

from ticketing.errors import PhotoRefused
from ticketing.photos import MAX_BYTES, MAX_PIXELS, Photo, clean_photo
from ticketing.working.errors import SignatureRefused

SMALLEST_PX = (60, 30)
# A name is more than a dot: so many pixels of a signature are dark.
FEWEST_DARK_PX = 60
_DARK = 128


def clean_signature(raw: bytes) -> Photo:
    """The strokes as a picture we keep. Raises PhotoRefused (no PNG, too large), SignatureRefused."""
    if len(raw) > MAX_BYTES:
        raise PhotoRefused(reason="too_large", limit=f"{MAX_BYTES // 1024 // 1024} MB")
    try:
        with Image.open(io.BytesIO(raw), formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise PhotoRefused(reason="too_many_pixels", limit=f"{MAX_PIXELS // 1_000_000} MP")
            strokes = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise PhotoRefused(reason="not_an_image", limit="PNG") from None
    if strokes.width < SMALLEST_PX[0] or strokes.height < SMALLEST_PX[1]:
        raise SignatureRefused(reason="too_small")
    # What is clear glass becomes paper; else it would turn black with the strokes.
    paper = Image.new("RGBA", strokes.size, "white")
    paper.alpha_composite(strokes)
    if sum(paper.convert("L").histogram()[:_DARK]) < FEWEST_DARK_PX:
        raise SignatureRefused(reason="blank")
    out = io.BytesIO()
    paper.convert("RGB").save(out, "PNG")
    return clean_photo(out.getvalue())
