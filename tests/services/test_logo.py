"""A logo is a small picture that can do nothing but be seen."""

import os
from pathlib import Path

import pytest

from trusthub.services import logo

SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40


def put(folder: Path, name: str, body: str | bytes) -> Path:
    (folder / name).write_bytes(body if isinstance(body, bytes) else body.encode())
    return folder / name


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("a.svg", SVG.format('<g id="x" fill="url(#y)"><path d="M0 0h9"/></g><use xlink:href="#x"/>')),
        ("a.svg", "<?xml version='1.0'?><!-- ours -->" + SVG.format("<style>.a{fill:#123}</style>")),
        ("A.PNG", PNG),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 "),
    ],
)
def test_a_plain_picture_is_taken_as_it_is(tmp_path: Path, name: str, body: str | bytes) -> None:
    read = logo.read(path := put(tmp_path, name, body))
    assert (read.body, read.ending) == (path.read_bytes(), path.suffix.lower())
    assert read.inline.startswith(f"data:{read.kind}")
    assert '"' not in read.inline


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        ("<script>alert(1)</script>", "has <script>"),
        ('<g onload="alert(1)"/>', "has onload in <g>"),
        ("<foreignObject/>", "has <foreignobject>"),
        ('<use href="https://elsewhere.example/x.svg#a"/>', "has href in <use>"),
        ('<use xlink:href="data:image/svg+xml,x"/>', "has href in <use>"),
        ('<image href="#a"/>', "has <image>"),
        ('<a href="#a"/>', "has <a>"),
        ('<set attributeName="href" to="javascript:alert(1)"/>', "has <set>"),
        ('<g fill="url(https://elsewhere.example/a)"/>', "names something outside of itself in <g>"),
        ("<g style=\"fill: URL( '//elsewhere.example/a')\"/>", "names something outside of itself in <g>"),
        ("<style>@import 'https://elsewhere.example/a.css';</style>", "names something outside of itself in <style>"),
        (r"<style>.a{fill:\75rl(https://elsewhere.example/a)}</style>", "names something outside of itself in <style>"),
        ("<g>", "is no SVG"),
    ],
)
def test_an_svg_that_could_do_more_is_refused(tmp_path: Path, inside: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        logo.read(put(tmp_path, "a.svg", SVG.format(inside)))


@pytest.mark.parametrize(
    ("name", "body", "why"),
    [
        ("a.svg", '<!DOCTYPE svg [<!ENTITY a "b">]>' + SVG.format("&a;"), "has a DOCTYPE"),
        ("a.svg", '<?xml-stylesheet href="//elsewhere.example/a.css"?>' + SVG.format(""), "a style sheet"),
        ("a.svg", '<?xml version="1.0" encoding="ISO-2022-JP"?>' + SVG.format(""), "another encoding"),
        ("a.png", PNG + b"\x00" * 70_000, "bytes heavier"),
        ("a.svg", "<html/>", "begins with <html>"),
        ("a.svg", SVG.format("").encode("utf-16"), "is no SVG"),
        ("a.png", SVG.format(""), "is not what its ending says"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WAVE", "is not what its ending says"),
        ("a.gif", b"GIF89a", "is no PNG, SVG or WebP"),
        ("a.png", PNG + os.urandom(5000), "bytes heavier"),
    ],
)
def test_what_is_no_such_picture_is_refused(tmp_path: Path, name: str, body: str | bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        logo.read(put(tmp_path, name, body))
