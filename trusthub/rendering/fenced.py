"""Words in another language than the text around them: `::: en` above and `:::` below, with empty lines between."""

import re
from xml.etree.ElementTree import Element, SubElement

from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension

_BEGIN = re.compile(r"::: ([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)\s*")
_END = re.compile(r":::\s*")


class Language(Extension):
    """Makes a `<div lang="en">` of them."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - Markdown's name
        """Register."""
        md.parser.blockprocessors.register(_Fence(md.parser), "language", 175)


class _Fence(BlockProcessor):
    def test(self, parent: Element, block: str) -> bool:  # noqa: ARG002 - Markdown's signature
        return _BEGIN.fullmatch(block) is not None

    def run(self, parent: Element, blocks: list[str]) -> bool:
        end = next((number for number, block in enumerate(blocks) if _END.fullmatch(block)), None)
        begun = _BEGIN.fullmatch(blocks[0])
        if end is None or begun is None:
            return False
        inside, blocks[: end + 1] = blocks[1:end], []
        self.parser.parseBlocks(SubElement(parent, "div", lang=begun[1]), inside)
        return True
