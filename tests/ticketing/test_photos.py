import io

import pytest
from PIL import Image

from ticketing import photos
from ticketing.errors import PhotoRefused
from ticketing.photos import MAX_EDGE_PX, clean_photo, where_taken


def picture(kind: str = "JPEG", *, size: tuple[int, int] = (80, 60), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "red").save(out, kind, **options)
    return out.getvalue()


def with_place_taken() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif.get_ifd(0x8825)[2] = (30.0, 15.0, 0.0)  # GPS latitude
    exif[0x010F] = "SecretPhone"
    return picture(exif=exif, size=(80, 60))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_telephones_send_is_kept_as_jpeg(kind: str) -> None:
    kept = clean_photo(picture(kind))
    with Image.open(io.BytesIO(kept.data)) as image:
        assert image.format == "JPEG"
        assert image.size == (kept.width_px, kept.height_px) == (80, 60)


def test_the_place_it_was_taken_at_and_all_else_of_it_is_gone_but_it_stands_upright() -> None:
    raw = with_place_taken()
    assert b"SecretPhone" in raw

    kept = clean_photo(raw)

    with Image.open(io.BytesIO(kept.data)) as image:
        assert not dict(image.getexif())
        assert image.size == (60, 80)
    assert b"SecretPhone" not in kept.data


def test_a_picture_whose_notes_are_cut_off_is_refused_and_says_no_place() -> None:
    raw = picture("PNG", exif=b"II*\0")
    with pytest.raises(PhotoRefused):
        clean_photo(raw)
    assert where_taken(raw) is None


def test_a_large_picture_is_made_smaller() -> None:
    kept = clean_photo(picture(size=(5000, 1000)))
    assert (kept.width_px, kept.height_px) == (MAX_EDGE_PX, 512)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"not a picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", picture()[:200], picture("PNG")[:60],
        picture("GIF"), picture("BMP"), b"\xff\xd8\xff" + bytes(100), b"<html><script>alert(1)</script>",
    ],
)  # fmt: skip
def test_what_is_no_picture_we_know_is_refused_by_its_content(raw: bytes) -> None:
    with pytest.raises(PhotoRefused) as refused:
        clean_photo(raw)
    assert refused.value.reason == "not_an_image"


def test_a_picture_of_too_many_pixels_is_refused_before_they_are_decoded() -> None:
    bomb = picture("PNG", size=(9000, 9000))
    assert len(bomb) < 1_000_000
    with pytest.raises(PhotoRefused) as refused:
        clean_photo(bomb)
    assert refused.value.reason == "too_many_pixels"


def test_a_picture_of_too_many_bytes_is_not_even_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photos, "MAX_BYTES", 100)
    with pytest.raises(PhotoRefused) as refused:
        clean_photo(picture())
    assert refused.value.reason == "too_large"
