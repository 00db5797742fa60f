"""The format of an image file and what is wrong with it, by its bytes, without decoding."""

import re
import struct

from kdiqa.data.images.foreign import AVIF, brands, foreign

JPEG, PNG, BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # and BigTIFF
JPEG_2000 = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
PORTABLE = (b"P1", b"P2", b"P3", b"P4", b"P5", b"P6")  # PBM, PGM, PPM
OTHERS = (b"GIF8", *TIFF, b"RIFF", *JPEG_2000, *PORTABLE)
# What Pillow may open. Some of its other readers start programs, or parse what no photograph is.
# An MPO is opened as the JPEG that it begins with.
FORMATS = ("JPEG", "PNG", "BMP", "TIFF", "WEBP", "GIF", "AVIF", "JPEG2000", "PPM")
SUFFIXES = frozenset({
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".mpo",
    ".avif", ".jp2", ".ppm",
})  # fmt: skip


def declared(data: bytes) -> tuple[int, int]:
    """Returns the width and height by a PNG's or bitmap's header; zeros for other files."""
    if data.startswith(PNG) and len(data) >= 24:
        return struct.unpack(">II", data[16:24])
    if data.startswith(BMP) and len(data) >= 26:
        width, height = struct.unpack("<ii", data[18:26])
        return width, abs(height)
    return 0, 0


def scan(data: bytes) -> int:
    """Returns where a JPEG's first scan begins, 2 in any other file.

    A camera's thumbnail has an end marker of its own, in the segments before the scan.
    """
    at, jpeg = 2, data.startswith(JPEG)
    while jpeg and data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        filled = data[at + 1 : at + 2] == b"\xff"  # any number of these may stand before a marker
        at += 1 if filled else 2 + int.from_bytes(data[at + 2 : at + 4])
    return at


def unpadded(data: bytes) -> bytes:
    """Returns a JPEG without what stands before markers and belongs to nothing.

    Between segments that is any byte; behind the bits of a scan, zeros. Should these zeros have
    been bits, the decoder misses them and says so.
    """
    at, parts = 2, [data[:2]]
    while at < len(data):
        at = data.find(b"\xff", at)
        if at < 0:
            return data
        marker = data[at + 1 : at + 2]
        if marker == b"\xda":
            break
        size = 1 if marker == b"\xff" else 2 + int.from_bytes(data[at + 2 : at + 4])
        parts.append(data[at : at + size])
        at += size
    # A zero behind 255 is part of the bits: 255 itself.
    scans = re.sub(rb"(?<!\xff)\0+(?=\xff[\xc4\xd0-\xdd])", b"", data[at:])
    return b"".join(parts) + scans


def fault(data: bytes) -> str | None:
    """Returns what is wrong with a file by its bytes, None when nothing is."""
    head, size = data[:64], len(data)
    if flaw(head, data[-64:], size) is None:
        return None
    # Some cameras and programs write on behind the image's end.
    return flaw(head, data[scan(data) :], size)


def flaw(head: bytes, tail: bytes, size: int) -> str | None:
    """Returns what is wrong with a file by its first and last bytes, None when nothing is."""
    if size == 0:
        return "empty file"
    if head.startswith(JPEG):
        return None if b"\xff\xd9" in tail else "JPEG cut short, no end marker"
    if head.startswith(PNG):
        return None if b"IEND\xaeB`\x82" in tail else "PNG cut short, no IEND chunk"
    if head.startswith(BMP):
        expected = bmp_size(head)
        return None if size >= expected else f"BMP cut short, {size} of {expected} bytes"
    if name := foreign(head):
        return name
    if head.startswith(OTHERS) or brands(head) & AVIF:
        return None
    return "its bytes are of no known image format"


def bmp_size(head: bytes) -> int:
    """Returns the bytes an uncompressed bitmap takes by its header; 54 when it is compressed.

    The header has a field for the size of the file, which programs fill in wrongly.
    """
    if len(head) < 54:
        return 54
    offset, _, width, height, _, bits, compression = struct.unpack("<IIiiHHI", head[10:34])
    return 54 if compression else offset + abs(height) * ((width * bits + 31) // 32 * 4)
