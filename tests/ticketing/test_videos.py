"""Videos by their containers: what is one, what is too much of one, and that it no longer says where it was taken."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketing.errors import VideoRefused
from ticketing.iso_media import MOST_ENTRIES
from ticketing.videos import MAX_DURATION_S, clean_video

PLACE = b"+30.2741+120.1551/"


def box(kind: bytes, *content: bytes) -> bytes:
    body = b"".join(content)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def track(
    handler: bytes, *, number: int = 0, width: int = 0, height: int = 0, more: bytes = b"", table: bytes = b""
) -> bytes:
    header = box(
        b"tkhd", bytes(12), struct.pack(">I", number), bytes(60), struct.pack(">II", width << 16, height << 16)
    )
    media = box(
        b"mdia", box(b"mdhd", bytes(12), struct.pack(">II", 600, 0)), box(b"hdlr", bytes(8), handler, bytes(12)),
        box(b"minf", box(b"stbl", table)),
    )  # fmt: skip
    return box(b"trak", header, media, more)


def mp4(
    *, brand: bytes = b"isom", duration_s: float = 5, width: int = 1280, height: int = 720, more: bytes = b"",
    tracks: bytes = b"", media: bytes = b"frames",
) -> bytes:  # fmt: skip
    movie = box(b"mvhd", bytes(12), struct.pack(">II", 600, int(600 * duration_s)), bytes(80))
    moov = box(b"moov", movie, track(b"vide", width=width, height=height, more=more), track(b"soun"), tracks, more)
    return box(b"ftyp", brand, bytes(4)) + box(b"mdat", media) + moov


def element(number: int, *content: bytes) -> bytes:
    body = b"".join(content)
    return number.to_bytes((number.bit_length() + 7) // 8, "big") + (1 << 56 | len(body)).to_bytes(8, "big") + body


def unending(number: int, *content: bytes) -> bytes:
    return number.to_bytes(4, "big") + b"\x01" + b"\xff" * 7 + b"".join(content)


def webm(
    *, duration_ms: float | None = 5000, doc_type: bytes = b"webm", more: bytes = b"", as_recorded: bool = False,
    with_notes: bool = False,
) -> bytes:  # fmt: skip
    length = b"" if duration_ms is None else element(0x4489, struct.pack(">d", duration_ms))
    info = element(0x1549A966, element(0x2AD7B1, (1_000_000).to_bytes(3, "big")), length)
    picture = element(0xE0, element(0xB0, b"\x02\x80"), element(0xBA, b"\x01\xe0"))
    notes = element(0xAE, element(0xD7, b"\x02"), element(0x83, b"\x21"), element(0x536E, PLACE))
    pictures = element(0xAE, element(0xD7, b"\x01"), element(0x83, b"\x01"), element(0x536E, PLACE), picture)
    tracks = element(0x1654AE6B, pictures, *([notes] if with_notes else []))
    blocks = element(0xA3, b"\x81\0\0\x80frame") + element(0xA0, element(0xA1, b"\x81\0\0\0frame"))
    if with_notes:
        blocks += element(0xA3, b"\x82\0\0\x80" + PLACE) + element(0xA0, element(0xA1, b"\x40\x02\0\0\0" + PLACE))
    clusters = [(element(0xE7, struct.pack(">I", ms)), blocks) for ms in (0, 61_000)]
    wrap = unending if as_recorded else element
    body = [info, tracks, *(wrap(0x1F43B675, *cluster) for cluster in clusters), more]
    return element(0x1A45DFA3, element(0x4282, doc_type)) + wrap(0x18538067, *body)


def refusal(raw: bytes) -> str:
    with pytest.raises(VideoRefused) as refused:
        clean_video(raw)
    return refused.value.reason


# --- what is a video ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("brand", "media_type"), [(b"isom", "video/mp4"), (b"mp42", "video/mp4"), (b"qt  ", "video/quicktime")]
)
def test_an_mp4_says_what_it_is(brand: bytes, media_type: str) -> None:
    video = clean_video(mp4(brand=brand, duration_s=12.5))
    assert (video.media_type, video.width_px, video.height_px, video.duration_s) == (media_type, 1280, 720, 12.5)
    assert video.suffix in ("mp4", "mov")


@pytest.mark.parametrize("as_recorded", [False, True])
def test_a_webm_says_what_it_is(as_recorded: bool) -> None:
    video = clean_video(webm(as_recorded=as_recorded))
    assert (video.media_type, video.width_px, video.height_px, video.duration_s) == ("video/webm", 640, 480, 5.0)
    # A browser's recorder notes no duration: its last cluster tells.
    assert clean_video(webm(duration_ms=None, as_recorded=as_recorded)).duration_s == 61.0


def test_a_fragmented_mp4_lasts_until_its_last_fragment() -> None:
    fragments = b"".join(
        box(b"moof", box(b"mfhd", bytes(8)), box(b"traf", box(b"tfdt", bytes(4), struct.pack(">I", 600 * second))))
        + box(b"mdat", b"x")
        for second in (0, 7, 190)
    )
    assert clean_video(mp4(duration_s=0) + fragments[: len(fragments) * 2 // 3]).duration_s == 7
    assert refusal(mp4(duration_s=0) + fragments) == "too_long"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "not_a_video"), (b"#!/bin/sh", "not_a_video"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "not_a_video"),
        (mp4()[:-9], "not_a_video"), (box(b"ftyp", b"isom", bytes(4)), "not_a_video"),
        (box(b"ftyp", b"M4A ") + box(b"moov", box(b"mvhd", bytes(12), struct.pack(">II", 600, 600)), track(b"soun")),
         "not_a_video"),
        (webm(doc_type=b"matroska"), "not_a_video"), (b"\x1aE\xdf\xa3" + bytes(10), "not_a_video"),
        (box(b"ftyp", b"isom", bytes(4)) + box(b"moov", track(b"vide", width=640, height=480), box(b"mvhd")),
         "not_a_video"),
        (mp4(width=0), "not_a_video"), (mp4(width=7680, height=4320), "too_many_pixels"),
        (mp4(duration_s=MAX_DURATION_S + 1), "too_long"), (webm(duration_ms=181_000), "too_long"),
        (webm(duration_ms=float("nan")), "not_a_video"), (bytes(50 * 1024 * 1024 + 1), "too_large"),
    ],
)  # fmt: skip
def test_what_is_no_video_or_too_much_of_one_is_refused(raw: bytes, reason: str) -> None:
    assert refusal(raw) == reason


@given(st.binary(max_size=300), st.integers(0, 400), st.sampled_from([mp4(), webm(), webm(as_recorded=True)]))
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_to_a_file_it_is_kept_or_refused(noise: bytes, at: int, raw: bytes) -> None:
    broken = raw[:at] + noise + raw[at + len(noise) :]
    try:
        kept = clean_video(broken)
    except VideoRefused:
        return
    assert len(kept.data) == len(broken)


# --- what it no longer says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "where",
    [
        box(b"udta", box(b"\xa9xyz", b"\x00\x12\x15\xc7", PLACE)),
        box(b"meta", box(b"keys", b"com.apple.quicktime.location.ISO6709"), box(b"ilst", PLACE)),
        box(b"uuid", b"\xbe\x7a\xcf\xcb" + bytes(12), b"<x:xmpmeta exif:GPSLatitude='30,16.446N'/>", PLACE),
        box(b"XMP_", PLACE), box(b"free", PLACE),
    ],
    ids=["udta", "meta", "uuid", "unknown", "free"],
)  # fmt: skip
def test_an_mp4_no_longer_says_where_it_was_taken(where: bytes) -> None:
    raw = mp4(more=where) + where
    video = clean_video(raw)
    assert PLACE in raw
    assert PLACE not in video.data
    assert b"GPSLatitude" not in video.data
    assert (len(video.data), b"frames" in video.data) == (len(raw), True)
    assert clean_video(video.data).data == video.data


def test_where_it_was_taken_is_told_to_whoever_asks_for_it() -> None:
    raw = mp4(more=box(b"udta", box(b"\xa9xyz", b"\x00\x12\x15\xc7", PLACE)))
    assert clean_video(raw, is_located=True).location == PLACE.decode()
    assert clean_video(raw).location is None
    assert clean_video(mp4(), is_located=True).location is None


def test_tables_that_would_be_gone_through_for_ever_are_refused() -> None:
    offsets = struct.pack(">II", 0, MOST_ENTRIES + 1) + bytes(4 * (MOST_ENTRIES + 1))
    sizes, runs = bytes(4) + struct.pack(">II", 9, 1), struct.pack(">II", 0, 1) + struct.pack(">III", 1, 1, 1)
    table = box(b"stsz", sizes) + box(b"stsc", runs) + box(b"stco", offsets)
    assert refusal(mp4(tracks=track(b"meta", table=table))) == "not_a_video"


def test_the_positions_that_a_camera_films_along_are_emptied() -> None:
    media = b"frames" + PLACE + b"frames"
    table = (
        box(b"stsz", bytes(4), struct.pack(">II", 0, 2), struct.pack(">II", 10, len(PLACE) - 10))
        + box(b"stsc", bytes(4), struct.pack(">I", 1), struct.pack(">III", 1, 2, 1))
        + box(b"stco", bytes(4), struct.pack(">II", 1, 16 + 8 + 6))
    )  # fmt: skip
    video = clean_video(mp4(tracks=track(b"meta", table=table), media=media))
    assert b"frames" + bytes(len(PLACE)) + b"frames" in video.data


def traf(number: int, run: bytes, *, flags: int = 0x20000, more: bytes = b"") -> bytes:
    return box(b"traf", box(b"tfhd", struct.pack(">II", flags, number), more), box(b"trun", run))


@pytest.mark.parametrize("base", ["moof", "file", "behind the one before"])
@pytest.mark.parametrize("sizes", ["of each", "of all here", "of all in the file"])
def test_the_positions_of_a_file_that_was_written_while_it_was_filmed_are_emptied(base: str, sizes: str) -> None:
    extends = box(b"mvex", box(b"trex", struct.pack(">IIIIII", 0, 9, 1, 0, 9, 0)))
    nothing = box(b"stsz", bytes(12)) + box(b"stsc", bytes(8)) + box(b"stco", bytes(8))
    start = mp4(duration_s=0, tracks=track(b"meta", number=9, table=nothing) + extends)
    lengths = (9, 9)  # of two positions a run

    def fragment(at: int) -> bytes:
        """`at` is how long everything before the media in it is."""
        run = struct.pack(">III", 0x200, 1, 6) if base == "behind the one before" else b""
        seen = traf(0, struct.pack(">IIiI", 0x201, 1, at, 6)) if run else b""
        flags, more, from_here = 0x20000, b"", at
        if base == "file":
            flags, more, from_here = 0x1, struct.pack(">Q", len(start)), at
        elif base == "behind the one before":
            flags = 0
        if sizes == "of all here":
            flags, more = flags | 0x10, more + struct.pack(">I", 9)
        each, kind = ((struct.pack(">2I", *lengths)), 0x200) if sizes == "of each" else (b"", 0)
        head = struct.pack(">II", kind, 2) if run else struct.pack(">IIi", kind | 0x1, 2, from_here + 6)
        noted = traf(9, head + each, flags=flags, more=more)
        return box(b"moof", box(b"mfhd", bytes(8)), seen, noted)

    moof = fragment(len(fragment(0)) + 8)
    raw = start + moof + box(b"mdat", b"frames", PLACE, b"frames")
    video = clean_video(raw)
    assert raw.endswith(b"frames" + PLACE + b"frames")
    assert video.data.endswith(b"frames" + bytes(len(PLACE)) + b"frames")
    assert clean_video(video.data).data == video.data


def test_a_webm_loses_the_positions_that_a_camera_films_along() -> None:
    for as_recorded in (False, True):
        raw = webm(with_notes=True, as_recorded=as_recorded)
        video = clean_video(raw)
        assert (raw.count(PLACE), video.data.count(PLACE)) == (6, 0)
        assert (raw.count(b"frame"), video.data.count(b"frame"), len(video.data)) == (4, 4, len(raw))
        assert clean_video(video.data).data == video.data


def test_a_webm_loses_its_tags_and_attachments() -> None:
    tags = element(0x1254C367, element(0x7373, PLACE)) + element(0x1941A469, PLACE) + element(0x1043A770, b"a")
    video = clean_video(webm(more=tags))
    assert PLACE not in video.data
    assert len(video.data) == len(webm(more=tags))
    assert clean_video(video.data).data == video.data
