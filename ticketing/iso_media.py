"""MP4 and QuickTime files: what their boxes say, and what in them says too much. Pure.

Boxes keep their place and length: one that must go becomes `free` and its content zeros, so that no offset in the file
has to be computed anew and no encoder is wanted. ISO/IEC 14496-12.
"""

import re
import struct
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_BOXES = 50_000
# Samples and chunks of the tracks that are blanked, all together: three minutes of a sensor read 1000 times a second
# are below it.
MOST_ENTRIES = 500_000
# How much of a box is searched for it; the tables of three minutes are far shorter.
LOCATION_BYTES = 1024 * 1024

_TOP = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp"})
_MOVIE = frozenset({b"mvhd", b"trak", b"mvex", b"iods"})
_TRACK = frozenset({b"tkhd", b"mdia", b"edts", b"tref", b"tapt"})
_FRAGMENT = frozenset({b"mfhd", b"traf"})
_RUNS = frozenset({b"tfhd", b"tfdt", b"trun", b"sdtp", b"sbgp", b"sgpd", b"subs", b"saiz", b"saio", b"senc"})
_SPACE = frozenset({b"free", b"skip", b"wide"})
_SEEN_AND_HEARD = frozenset({b"vide", b"soun"})
_LOCATION_KEYS = (b"\xa9xyz", b"com.apple.quicktime.location.ISO6709")
_POSITION = re.compile(rb"[+-][0-9.]{1,20}[+-][0-9.]{1,20}(?:[+-][0-9.]{1,15})?/")

Span = tuple[int, int]


class BadContainer(ValueError):
    """Not the container it says it is, or cut off, or built to be read for ever."""


@dataclass(frozen=True)
class Box:
    """`start` of its header, `body` of its content, `end` behind it; offsets in the file, bytes."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass(frozen=True)
class Movie:
    """What the file says of itself. `duration_s` is None where it says nothing."""

    media_type: str
    duration_s: float | None
    width_px: int
    height_px: int


@dataclass(frozen=True)
class RunHeader:
    """What a fragment says of a track: which it is, what its runs' offsets count from, how large its samples are."""

    track: int | None
    base: int | None
    size: int | None
    is_from_moof: bool


class IsoFile:
    """A file in memory, to be read and then cleaned in place."""

    def __init__(self, data: bytearray) -> None:
        self._data = data
        self._boxes_read = 0
        self._entries_read = 0

    def read(self) -> Movie:
        """Raises BadContainer, also when there is no picture in it."""
        top = self._children(0, len(self._data))
        if not top or top[0].kind != b"ftyp":
            raise BadContainer("no ftyp")
        brand = bytes(self._data[top[0].body : top[0].body + 4])
        moov = _only(top, b"moov")
        tracks = [one for one in self._inside(moov) if one.kind == b"trak"]
        pictures = [one for one in tracks if self._handler(one) == b"vide"]
        if not pictures:
            raise BadContainer("no video track")
        sizes = [self._size(track) for track in pictures]
        width, height = max(sizes, key=lambda size: size[0] * size[1])
        media_type = "video/quicktime" if brand == b"qt  " else "video/mp4"
        return Movie(media_type, self._duration_s(moov, top), width, height)

    def clean(self) -> None:
        """Blanks whatever is neither picture nor sound nor needed to play them: places, names, notes of the camera."""
        top = self._children(0, len(self._data))
        media = [(box.body, box.end) for box in top if box.kind == b"mdat"]
        for box in top:
            self._keep(box, _TOP)
        moov = _only(top, b"moov")
        kept, sizes = self._kept_tracks(moov), self._default_sizes(moov)
        spans = self._clean_movie(moov)
        for box in top:
            if box.kind == b"moof":
                spans += self._clean_fragment(box, kept=kept, sizes=sizes)
        self._blank_samples(spans, media)

    def location(self) -> str | None:
        """Where it was taken, as ISO 6709 (`+30.2741+120.1551/`), if the file says so."""
        for box in self._children(0, len(self._data)):
            if box.kind in (b"moov", b"meta", b"uuid"):
                found = _position(bytes(self._data[box.body : min(box.end, box.body + LOCATION_BYTES)]))
                if found is not None:
                    return found
        return None

    # --- reading ---------------------------------------------------------------------------------------------------

    def _children(self, start: int, end: int) -> list[Box]:
        found: list[Box] = []
        while start + 8 <= end:
            size, kind = struct.unpack_from(">I4s", self._data, start)
            body = start + 8
            if size == 1:
                if start + 16 > end:
                    raise BadContainer("cut off")
                size, body = struct.unpack_from(">Q", self._data, start + 8)[0], start + 16
            elif size == 0:
                size = end - start
            if size < body - start or start + size > end:
                raise BadContainer("a box reaches out of its own")
            found.append(Box(kind, start, body, start + size))
            start += size
            self._boxes_read += 1
            if self._boxes_read > MOST_BOXES:
                raise BadContainer("too many boxes")
        return found

    def _inside(self, box: Box, *, skip: int = 0) -> list[Box]:
        return self._children(box.body + skip, box.end)

    def _find(self, box: Box, *path: bytes) -> Box | None:
        for kind in path:
            found = next((one for one in self._inside(box) if one.kind == kind), None)
            if found is None:
                return None
            box = found
        return box

    def _need(self, box: Box, *path: bytes) -> Box:
        found = self._find(box, *path)
        if found is None:
            raise BadContainer(f"no {path[-1].decode('latin-1')}")
        return found

    def _numbers(self, form: str, box: Box, offset: int) -> tuple[int, ...]:
        if offset < 0 or box.body + offset + struct.calcsize(form) > box.end:
            raise BadContainer("a box is too short")
        found: tuple[int, ...] = struct.unpack_from(form, self._data, box.body + offset)
        return found

    def _is_long(self, box: Box) -> bool:
        """Whether its times have 64 bits."""
        return self._numbers(">B", box, 0)[0] == 1

    def _handler(self, track: Box) -> bytes:
        handler = self._need(track, b"mdia", b"hdlr")
        return bytes(self._data[handler.body + 8 : handler.body + 12])

    def _size(self, track: Box) -> tuple[int, int]:
        header = self._need(track, b"tkhd")
        width, height = self._numbers(">II", header, header.end - header.body - 8)
        return width >> 16, height >> 16

    def _duration_s(self, moov: Box, top: list[Box]) -> float | None:
        header = self._need(moov, b"mvhd")
        long = self._is_long(header)
        scale, duration = self._numbers(">IQ" if long else ">II", header, 20 if long else 12)
        if scale == 0:
            raise BadContainer("no time scale")
        if duration not in (0, 2**32 - 1, 2**64 - 1):
            return duration / scale
        return self._fragments_s(moov, top)

    def _fragments_s(self, moov: Box, top: list[Box]) -> float | None:
        """Of a file that was written while it was filmed: when its last fragment begins."""
        scales = [
            self._scale(self._need(track, b"mdia", b"mdhd")) for track in self._inside(moov) if track.kind == b"trak"
        ]
        latest: int | None = None
        for fragment in (box for box in top if box.kind == b"moof"):
            for part in (box for box in self._inside(fragment) if box.kind == b"traf"):
                time = self._find(part, b"tfdt")
                if time is not None:
                    long = self._is_long(time)
                    latest = max(latest or 0, *self._numbers(">Q" if long else ">I", time, 4))
        return None if latest is None else latest / max(1, min(scales))

    def _scale(self, header: Box) -> int:
        return self._numbers(">I", header, 20 if self._is_long(header) else 12)[0]

    # --- cleaning --------------------------------------------------------------------------------------------------

    def _keep(self, box: Box, known: frozenset[bytes]) -> None:
        """Leaves a box that is known, empties one that is only room, and makes room of any other."""
        if box.kind not in known or box.kind in _SPACE:
            self._blank(box)

    def _blank(self, box: Box) -> None:
        self._data[box.start + 4 : box.start + 8] = b"free"
        self._data[box.body : box.end] = bytes(box.end - box.body)

    def _clean_movie(self, moov: Box) -> list[Span]:
        """Where what the tracks that go had among the media lies."""
        spans: list[Span] = []
        for box in self._inside(moov):
            if box.kind == b"trak" and self._handler(box) not in _SEEN_AND_HEARD:
                spans += self._samples(box)
                self._blank(box)
                continue
            self._keep(box, _MOVIE)
            if box.kind == b"trak":
                for part in self._inside(box):
                    self._keep(part, _TRACK)
        return spans

    def _kept_tracks(self, moov: Box) -> set[int]:
        tracks = [one for one in self._inside(moov) if one.kind == b"trak" and self._handler(one) in _SEEN_AND_HEARD]
        headers = [self._need(track, b"tkhd") for track in tracks]
        return {self._numbers(">I", header, 20 if self._is_long(header) else 12)[0] for header in headers}

    def _default_sizes(self, moov: Box) -> dict[int, int]:
        """Of the samples of each track in fragments that do not say it themselves, bytes."""
        extends = self._find(moov, b"mvex")
        rows = [one for one in self._inside(extends) if one.kind == b"trex"] if extends is not None else []
        return {self._numbers(">I", row, 4)[0]: self._numbers(">I", row, 16)[0] for row in rows}

    def _clean_fragment(self, moof: Box, *, kept: Collection[int], sizes: Mapping[int, int]) -> list[Span]:
        """Leaves the runs of tracks that are kept; where what those of the others point at lies."""
        spans: list[Span] = []
        follows = moof.start  # where a run lies that does not say so: behind the one before
        for box in self._inside(moof):
            self._keep(box, _FRAGMENT)
            if box.kind != b"traf":
                continue
            head = self._run_header(box)
            found = list(self._runs(box, moof, head, follows=follows, sizes=sizes))
            follows = found[-1][1] if found else follows
            if head.track in kept:
                for part in self._inside(box):
                    self._keep(part, _RUNS)
            else:
                spans += found
                self._blank(box)
        return spans

    def _runs(self, traf: Box, moof: Box, head: RunHeader, *, follows: int, sizes: Mapping[int, int]) -> Iterator[Span]:
        """Where the runs of a track in a fragment lie."""
        base = head.base if head.base is not None else moof.start if head.is_from_moof else follows
        at, each = base, head.size if head.size is not None else sizes.get(head.track or 0, 0)
        for run in (one for one in self._inside(traf) if one.kind == b"trun"):
            flags, count = self._numbers(">II", run, 0)
            offset = 8
            if flags & 0x1:
                at = base + self._numbers(">i", run, offset)[0]
                offset += 4
            offset += 4 if flags & 0x4 else 0
            length = self._run_length(run, flags, count, offset, each=each)
            yield max(at, 0), max(at, 0) + length
            at += length

    def _run_length(self, run: Box, flags: int, count: int, offset: int, *, each: int) -> int:
        if not flags & 0x200:
            return count * each
        fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
        rows = self._counted(count, run, offset, 4 * len(fields))
        table = self._numbers(f">{rows * len(fields)}I", run, offset)
        return sum(table[fields.index(0x200) :: len(fields)])

    def _run_header(self, traf: Box) -> RunHeader:
        box = self._find(traf, b"tfhd")
        if box is None:
            return RunHeader(None, None, None, is_from_moof=True)
        flags, track = self._numbers(">II", box, 0)
        offset = 8
        base = self._numbers(">Q", box, offset)[0] if flags & 0x1 else None
        offset += (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0) + (4 if flags & 0x8 else 0)
        size = self._numbers(">I", box, offset)[0] if flags & 0x10 else None
        return RunHeader(track, base, size, is_from_moof=bool(flags & 0x20000))

    def _blank_samples(self, spans: Sequence[Span], media: Sequence[Span]) -> None:
        """Empties what tracks of neither picture nor sound (a camera's own positions) have among the media.

        `media` in the order of the file. No byte is written twice, however often the tracks name it.
        """
        ends = [end for _, end in media]
        for start, end in _merged(spans):
            for index in range(bisect_right(ends, start), len(media)):
                first, last = max(start, media[index][0]), min(end, media[index][1])
                if first >= end:
                    break
                self._data[first:last] = bytes(last - first)

    def _samples(self, track: Box) -> Iterator[Span]:
        table = self._find(track, b"mdia", b"minf", b"stbl")
        if table is not None:
            yield from ((start, start + length) for start, length in self._chunks(table) if length)

    def _chunks(self, table: Box) -> Iterator[tuple[int, int]]:
        """Where the chunks of a track lie, and their lengths."""
        sizes, offsets = self._sizes(table), self._offsets(table)
        runs = self._need(table, b"stsc")
        count = self._numbers(">I", runs, 4)[0]
        rows = [self._numbers(">II", runs, 8 + 12 * row) for row in range(self._counted(count, runs, 8, 12))]
        sample, run = 0, 0
        for number, offset in enumerate(offsets, start=1):
            while run + 1 < len(rows) and rows[run + 1][0] <= number:
                run += 1
            samples = rows[run][1] if rows else 0
            each, listed = sizes
            length = samples * each if listed is None else sum(listed[sample : sample + samples])
            sample += samples
            yield offset, length

    def _sizes(self, table: Box) -> tuple[int, tuple[int, ...] | None]:
        """The size of every sample, or of each."""
        box = self._need(table, b"stsz")
        each, count = self._numbers(">II", box, 4)
        return (each, None) if each else (0, self._numbers(f">{self._counted(count, box, 12, 4)}I", box, 12))

    def _offsets(self, table: Box) -> tuple[int, ...]:
        box = self._find(table, b"co64")
        if box is not None:
            return self._numbers(f">{self._counted(self._numbers('>I', box, 4)[0], box, 8, 8)}Q", box, 8)
        box = self._need(table, b"stco")
        return self._numbers(f">{self._counted(self._numbers('>I', box, 4)[0], box, 8, 4)}I", box, 8)

    def _counted(self, count: int, box: Box, offset: int, each: int) -> int:
        """A count that the box has room for. Raises BadContainer: too many to go through."""
        found = min(count, (box.end - box.body - offset) // each)
        self._entries_read += found
        if self._entries_read > MOST_ENTRIES:
            raise BadContainer("too many samples")
        return found


def _only(boxes: list[Box], kind: bytes) -> Box:
    found = [box for box in boxes if box.kind == kind]
    if len(found) != 1:
        raise BadContainer(f"{len(found)} boxes {kind.decode('latin-1')}")
    return found[0]


def _merged(spans: Sequence[Span]) -> list[Span]:
    """The same bytes, in order, none twice."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _position(content: bytes) -> str | None:
    """The first ISO 6709 position behind a key that announces one."""
    if not any(key in content for key in _LOCATION_KEYS):
        return None
    found = _POSITION.search(content)
    return None if found is None else found[0].decode("ascii")
