"""Files by their first bytes, whatever they are called."""

import struct

import pytest

from trusthub.domain.attachment import PIXELS, UnfitError, accept, called

JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 600, 800) + b"\x03"
WEBP = {
    "VP8X": b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + (799).to_bytes(3, "little") + (599).to_bytes(3, "little"),
    "VP8L": b"RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f" + (799 | 599 << 14).to_bytes(4, "little") + b"\0" * 8,
    "VP8 ": b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 800, 600),
}


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (JPEG, "image/jpeg"),
        *((each, "image/webp") for each in WEBP.values()),
        (b"%PDF-1.7\n", "application/pdf"),
        ("Grüße\r\n".encode(), "text/plain"),
        (b"<script>alert(1)</script>", "text/plain"),
    ],
)
def test_the_bytes_say_what_it_is(data: bytes, kind: str) -> None:
    assert accept("a.exe", data).kind == kind


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"MZ\x90\x00",
        b"GIF89a\0\0",
        b"\xff\xd8\xff",
        JPEG.replace(struct.pack(">HH", 600, 800), struct.pack(">HH", 65_000, 65_000)),
        b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0" + b"\xff" * 6,
    ],
)
def test_what_it_must_not_be_is_refused(data: bytes) -> None:
    assert PIXELS < 65_000**2
    with pytest.raises(UnfitError):
        accept("a.png", data)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\ana\\Bild 1.PNG", "Bild 1.txt"),
        ("a\r\nContent-Type: x.txt", "a_Content-Type_ x.txt"),
        (".htaccess", "htaccess.txt"),
        ("\u202egnp.exe", "gnp.txt"),
        ("x" * 300 + ".txt", "x" * 80 + ".txt"),
        ("", "file.txt"),
    ],
)
def test_a_name_is_no_path_and_no_header(name: str, safe: str) -> None:
    made = called(name, "text/plain")
    assert made.rpartition("/")[2] == made
    assert made.isprintable()
    assert made == safe
