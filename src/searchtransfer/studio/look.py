# SPDX-License-Identifier: Apache-2.0
"""How the page looks: theme, style and scripts, all from this package or the visitor's system."""

from importlib.resources import files
from typing import Any

import gradio as gr

ACCENT, ACCENT_PRESSED = "#2459a8", "#1b4484"
"""As in the inspector."""

SUBDUED, SUBDUED_DARK = "#52525b", "#b4b4bd"
"""At least 7 to 1 against the page."""

FONTS = ["system-ui", "sans-serif"]
MONOSPACED = ["ui-monospace", "monospace"]


def look() -> dict[str, Any]:
    """Theme, style and scripts, as `gr.mount_gradio_app` takes them; all from this package."""
    static = files(__package__) / "static"
    scripts = "".join(
        f'<script type="module">{(static / name).read_text("utf-8")}</script>'
        for name in ("drop.js", "compare.js")
    )
    return {
        "theme": gr.themes.Default(primary_hue="blue", font=FONTS, font_mono=MONOSPACED).set(
            button_primary_background_fill=ACCENT,
            button_primary_background_fill_hover=ACCENT_PRESSED,
            button_primary_background_fill_dark=ACCENT,
            button_primary_background_fill_hover_dark=ACCENT_PRESSED,
            body_text_color_subdued=SUBDUED,
            body_text_color_subdued_dark=SUBDUED_DARK,
            block_info_text_color=SUBDUED,
            block_info_text_color_dark=SUBDUED_DARK,
            block_title_text_color="*body_text_color",
            button_cancel_background_fill="*button_secondary_background_fill",
            button_cancel_background_fill_hover="*button_secondary_background_fill_hover",
            button_cancel_text_color="*button_secondary_text_color",
            button_cancel_background_fill_dark="*button_secondary_background_fill",
            button_cancel_background_fill_hover_dark="*button_secondary_background_fill_hover",
            button_cancel_text_color_dark="*button_secondary_text_color",
        ),
        "css": (static / "studio.css").read_text("utf-8"),
        "head": f'<meta name="color-scheme" content="light dark">{scripts}',
    }


def plain(html: str = "", visible: bool = True) -> gr.HTML:
    """HTML without a style of gradio's."""
    return gr.HTML(html, visible=visible, apply_default_css=False, elem_classes="st-plain")
