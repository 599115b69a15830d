"""WebM files: what their elements say, and what in them says too much. Pure.

Elements keep their place and length: one that must go becomes a Void. RFC 8794, RFC 9559.
"""

import struct
from collections.abc import Collection
from dataclasses import dataclass

from ticketing.iso_media import BadContainer, Movie

_EBML, _DOC_TYPE, _SEGMENT = 0x1A45DFA3, 0x4282, 0x18538067
_INFO, _TRACKS, _CLUSTER, _CUES, _SEEK, _VOID = 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1C53BB6B, 0x114D9B74, 0xEC
_TAGS, _CHAPTERS, _ATTACHMENTS, _CRC = 0x1254C367, 0x1043A770, 0x1941A469, 0xBF
_SCALE, _DURATION, _TITLE, _TIMESTAMP = 0x2AD7B1, 0x4489, 0x7BA9, 0xE7
_TRACK, _NUMBER, _TYPE, _NAME, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0xD7, 0x83, 0x536E, 0xE0, 0xB0, 0xBA
_PREVIOUS, _SIMPLE_BLOCK, _GROUP, _BLOCK = 0xAB, 0xA3, 0xA0, 0xA1
_PICTURE, _SOUND = 1, 2
# Three minutes of pictures and sound, each block looked at when read and again when cleaned, are below it.
MOST_ELEMENTS = 250_000
_KEPT = frozenset({_INFO, _TRACKS, _CLUSTER, _CUES, _SEEK})
_TOP_OF_SEGMENT = _KEPT | {_TAGS, _CHAPTERS, _ATTACHMENTS, _VOID, _CRC}
_OF_CLUSTER = frozenset({_TIMESTAMP, _PREVIOUS, _SIMPLE_BLOCK, _GROUP})
_DEFAULT_SCALE_NS = 1_000_000


@dataclass(frozen=True)
class Element:
    """`start` of its header, `body` of its content, `end` behind it; offsets in the file, bytes."""

    id: int
    start: int
    body: int
    end: int


class WebmFile:
    """A file in memory, to be read and then cleaned in place."""

    def __init__(self, data: bytearray) -> None:
        self._data = data
        self._elements_read = 0

    def read(self) -> Movie:
        """Raises BadContainer, also when there is no picture in it."""
        top = self._children(0, len(self._data))
        if len(top) < 2 or top[0].id != _EBML or top[1].id != _SEGMENT:
            raise BadContainer("no segment")
        doc_type = next((one for one in self._children(top[0].body, top[0].end) if one.id == _DOC_TYPE), None)
        if doc_type is None or self._bytes(doc_type).rstrip(b"\0") != b"webm":
            raise BadContainer("no WebM")
        parts = self._children(top[1].body, top[1].end)
        sizes = [size for part in parts if part.id == _TRACKS for size in self._pictures(part)]
        if not sizes:
            raise BadContainer("no video track")
        width, height = max(sizes, key=lambda size: size[0] * size[1])
        return Movie("video/webm", self._duration_s(parts), width, height)

    def clean(self) -> None:
        """Blanks tags, attachments, chapters, tracks of neither picture nor sound and whatever is not known: of the
        sort that says where and who."""
        segment = next(one for one in self._children(0, len(self._data)) if one.id == _SEGMENT)
        parts = self._children(segment.body, segment.end)
        kept = {number for part in parts if part.id == _TRACKS for number in self._clean_tracks(part)}
        for part in parts:
            if part.id not in _KEPT:
                self._blank(part)
            elif part.id == _INFO:
                self._blank_all(part, {_TITLE, _CRC, _VOID})
            elif part.id == _CLUSTER:
                self._clean_cluster(part, kept)

    # --- reading ---------------------------------------------------------------------------------------------------

    def _children(self, start: int, end: int) -> list[Element]:
        found: list[Element] = []
        while start < end:
            element = self._element(start, end)
            found.append(element)
            start = element.end
        return found

    def _element(self, start: int, end: int) -> Element:
        self._elements_read += 1
        if self._elements_read > MOST_ELEMENTS:
            raise BadContainer("too many elements")
        width = self._width(start, end)
        number = int.from_bytes(self._data[start : start + width], "big")
        at = start + width
        size_width = self._width(at, end)
        size = int.from_bytes(self._data[at : at + size_width], "big") & ((1 << 7 * size_width) - 1)
        body = at + size_width
        if size == (1 << 7 * size_width) - 1:
            return Element(number, start, body, self._end_of_unknown(number, body, end))
        if body + size > end:
            raise BadContainer("an element reaches out of its own")
        return Element(number, start, body, body + size)

    def _width(self, at: int, end: int) -> int:
        """How many bytes a number takes, as its first byte says."""
        if at >= end or self._data[at] == 0:
            raise BadContainer("no number where one must be")
        width = 9 - self._data[at].bit_length()
        if at + width > end:
            raise BadContainer("cut off")
        return width

    def _end_of_unknown(self, number: int, body: int, end: int) -> int:
        """Where an element ends that was written before anybody knew: a recorder's segment, and its clusters."""
        if number == _SEGMENT:
            return end
        if number != _CLUSTER:
            raise BadContainer("an element without an end")
        at = body
        while at < end:
            element = self._element(at, end)
            if element.id in _TOP_OF_SEGMENT:
                return at
            at = element.end
        return end

    def _pictures(self, tracks: Element) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for track in self._children(tracks.body, tracks.end):
            told = {one.id: one for one in self._children(track.body, track.end)} if track.id == _TRACK else {}
            if _TYPE in told and self._number(told[_TYPE]) == _PICTURE and _VIDEO in told:
                size = {one.id: one for one in self._children(told[_VIDEO].body, told[_VIDEO].end)}
                if _WIDTH not in size or _HEIGHT not in size:
                    raise BadContainer("a picture without a size")
                found.append((self._number(size[_WIDTH]), self._number(size[_HEIGHT])))
        return found

    def _duration_s(self, parts: list[Element]) -> float | None:
        """As the file says, else when its last cluster begins."""
        scale_ns, told = _DEFAULT_SCALE_NS, None
        for part in (one for one in parts if one.id == _INFO):
            for fact in self._children(part.body, part.end):
                if fact.id == _SCALE:
                    scale_ns = self._number(fact) or _DEFAULT_SCALE_NS
                elif fact.id == _DURATION:
                    told = self._float(fact)
        if told is not None:
            return told * scale_ns / 1e9
        begins = [self._begin(part) for part in parts if part.id == _CLUSTER]
        return max(begins) * scale_ns / 1e9 if begins else None

    def _begin(self, cluster: Element) -> int:
        # The time is the first that a cluster says; the blocks behind it need not be walked through.
        at = cluster.body
        while at < cluster.end:
            element = self._element(at, cluster.end)
            if element.id == _TIMESTAMP:
                return self._number(element)
            at = element.end
        return 0

    def _bytes(self, element: Element) -> bytes:
        return bytes(self._data[element.body : element.end])

    def _number(self, element: Element) -> int:
        return int.from_bytes(self._bytes(element)[:8], "big")

    def _float(self, element: Element) -> float:
        content = self._bytes(element)
        if len(content) not in (4, 8):
            raise BadContainer("a number of no length")
        value: float = struct.unpack(">f" if len(content) == 4 else ">d", content)[0]
        return value

    # --- cleaning --------------------------------------------------------------------------------------------------

    def _clean_tracks(self, tracks: Element) -> list[int]:
        """Leaves those of picture and sound, without their names; their numbers."""
        found: list[int] = []
        for track in self._children(tracks.body, tracks.end):
            told = {one.id: one for one in self._children(track.body, track.end)} if track.id == _TRACK else {}
            if _TYPE in told and _NUMBER in told and self._number(told[_TYPE]) in (_PICTURE, _SOUND):
                found.append(self._number(told[_NUMBER]))
                self._blank_all(track, {_NAME, _CRC, _VOID})
            else:
                self._blank(track)
        return found

    def _clean_cluster(self, cluster: Element, kept: Collection[int]) -> None:
        """What tracks that go say among the pictures goes, too: positions a camera films along, subtitles."""
        for part in self._children(cluster.body, cluster.end):
            if part.id not in _OF_CLUSTER or (part.id in (_SIMPLE_BLOCK, _GROUP) and self._track_of(part) not in kept):
                self._blank(part)

    def _track_of(self, part: Element) -> int | None:
        """Which track a block is of."""
        inside = [part] if part.id == _SIMPLE_BLOCK else self._children(part.body, part.end)
        block = next((one for one in inside if one.id in (_SIMPLE_BLOCK, _BLOCK)), None)
        if block is None:
            return None
        width = self._width(block.body, block.end)
        return int.from_bytes(self._data[block.body : block.body + width], "big") & ((1 << 7 * width) - 1)

    def _blank_all(self, parent: Element, ids: Collection[int]) -> None:
        for one in self._children(parent.body, parent.end):
            if one.id in ids:
                self._blank(one)

    def _blank(self, element: Element) -> None:
        """Makes it a Void of the very same length."""
        length = element.end - element.start
        if length < 10:
            header = bytes([_VOID, 0x80 | length - 2])
        else:
            header = bytes([_VOID]) + (1 << 56 | length - 9).to_bytes(8, "big")
        self._data[element.start : element.end] = header + bytes(length - len(header))
