"""The format of an image file and what is wrong with it, by its bytes, without decoding."""

import struct

JPEG, PNG, BMP = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM"
OTHERS = (b"GIF8", b"II*\0", b"MM\0*", b"RIFF")


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
    if head.startswith(OTHERS):
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
