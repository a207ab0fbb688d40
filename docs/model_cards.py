# SPDX-License-Identifier: Apache-2.0
"""MkDocs hook: the cards that lie beside the weights become one page."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.pages import Page

PAGE = "model-cards.md"


def on_page_markdown(text: str, page: Page, config: MkDocsConfig, **_: object) -> str:
    """Put every card below the page's own text, a heading deeper than it is."""
    if page.file.src_uri != PAGE:
        return text
    package = Path(config.config_file_path).parent / "src/searchtransfer"
    cards = [
        path.with_suffix(".md").read_text(encoding="utf-8")
        for path in sorted(package.rglob("*.safetensors"))
    ]
    return "\n\n".join([text, *(f"#{card}" for card in cards)])
