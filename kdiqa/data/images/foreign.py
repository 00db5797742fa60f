"""Files that are pictures to somebody, and are not read here: named, with what reads them."""

CONVERT = "Save it as JPEG or PNG of 8 bits"
AVIF = {b"avif", b"avis"}
HEIC = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
RAWS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb")
STARTS = {  # by a file's first bytes
    b"%!PS": "PostScript",
    b"\xc5\xd0\xd3\xc6": "PostScript",
    b"%PDF": "PDF",
    b"\xd7\xcd\xc6\x9a": "WMF",
    b"\x01\0\0\0": "EMF",
    b"8BPS": "Photoshop",
    b"<svg": "SVG",
    b"<?xml": "XML or SVG",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\x01\0": "ICO",
    b"v/1\x01": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"DDS ": "DDS",
    b"SIMPLE  =": "FITS",
    b"Pf": "PFM",
    b"PF": "PFM",
    b"P7": "PAM",
}


class UnreadError(ValueError):
    """A file is whole as far as anybody knows, and of a kind that is not read."""


def foreign(head: bytes) -> str | None:
    """Returns what a file is that is not read, by its first 64 bytes; None for all others."""
    name = next((name for start, name in STARTS.items() if head.startswith(start)), None)
    if head.startswith(RAWS) or head[8:10] == b"CR" or b"crx " in brands(head):
        name = "a camera's raw file"
    if brands(head) & HEIC and not brands(head) & AVIF:
        name = "HEIC"
    return f"it is {name}, which is not read" if name else None


def brands(head: bytes) -> set[bytes]:
    """Returns what a file of AVIF's and HEIC's kind says that it is; nothing for other files."""
    if head[4:8] != b"ftyp":
        return set()
    end = min(len(head), int.from_bytes(head[:4]))
    return {head[8:12], *(head[at : at + 4] for at in range(16, end, 4))}
