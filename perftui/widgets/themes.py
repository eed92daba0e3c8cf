"""perftui's own themes, and the colours of the waterfall for every theme.

A theme is a Textual theme; what the waterfall needs beyond it (the colours of phases and resource
types) are theme variables, so that any theme of the command palette can be worn: where it does
not define them, :func:`variable_defaults` does, by whether the theme is dark or light.

No colour ever stands alone: phases have a texture, severities a glyph, the selected row a bar.
"""

from __future__ import annotations

from textual.theme import BUILTIN_THEMES, Theme

from perftui.errors import SettingsError

DARK = "perftui"
LIGHT = "perftui-light"
CONTRAST = "perftui-contrast"
SIXTEEN = "perftui-16"
"""Worn where the terminal has 16 colours: its own ones, each by its name. The colours of the other
themes would be brought to these one by one, and amber be white, waiting and queueing the same grey."""

PLAIN = "perftui-plain"
"""Worn with NO_COLOR: the terminal's own two colours, everything else is glyph and weight."""

_DARK_VARIABLES = {
    "muted": "#8b98a8",
    "faint": "#4a5665",
    "row-selected": "#22344d",
    "row-slow": "#2a2418",
    "row-very-slow": "#301c20",
    "row-error": "#301c20",
    "phase-queue": "#566273",
    "phase-redirect": "#8a7a5c",
    "phase-service_worker": "#7c6f9c",
    "phase-dns": "#3fb6c2",
    "phase-connect": "#e09a5b",
    "phase-tls": "#c586dd",
    "phase-request": "#8fd0a0",
    "phase-wait": "#4f8f6b",
    "phase-receive": "#6cb0ff",
    "phase-opaque": "#8494a8",
    "phase-span": "#a58fd0",
    "type-document": "#6cb0ff",
    "type-stylesheet": "#c586dd",
    "type-script": "#e5b567",
    "type-font": "#e08b9b",
    "type-image": "#68b588",
    "type-fetch": "#3fb6c2",
    "type-xmlhttprequest": "#3fb6c2",
    "type-beacon": "#3fb6c2",
    "type-websocket": "#3fb6c2",
    "type-eventsource": "#3fb6c2",
    "type-iframe": "#3fb6c2",
    "type-media": "#e09a5b",
    "type-other": "#8494a8",
}

_LIGHT_VARIABLES = {
    "muted": "#5b6673",
    "faint": "#b4bcc6",
    "row-selected": "#cfe0f7",
    "row-slow": "#fbf0d5",
    "row-very-slow": "#fae0dd",
    "row-error": "#fae0dd",
    "phase-queue": "#a9b3bf",
    "phase-redirect": "#a58f5f",
    "phase-service_worker": "#8b7bb3",
    "phase-dns": "#0d8b98",
    "phase-connect": "#c4691c",
    "phase-tls": "#9440b5",
    "phase-request": "#58a672",
    "phase-wait": "#8cc2a0",
    "phase-receive": "#2469c7",
    "phase-opaque": "#8894a3",
    "phase-span": "#7f66b3",
    "type-document": "#2469c7",
    "type-stylesheet": "#9440b5",
    "type-script": "#a66d00",
    "type-font": "#b8405e",
    "type-image": "#2f8550",
    "type-fetch": "#0d8b98",
    "type-xmlhttprequest": "#0d8b98",
    "type-beacon": "#0d8b98",
    "type-websocket": "#0d8b98",
    "type-eventsource": "#0d8b98",
    "type-iframe": "#0d8b98",
    "type-media": "#c4691c",
    "type-other": "#77838f",
}

_CONTRAST_VARIABLES = {
    # The Okabe-Ito palette (https://jfly.uni-koeln.de/color/), distinguishable with every common
    # colour vision deficiency.
    "muted": "#b8c2cc",
    "faint": "#6b7683",
    "row-selected": "#123a5c",
    "row-slow": "#33290a",
    "row-very-slow": "#3d1d05",
    "row-error": "#3d1d05",
    "phase-queue": "#6b7683",
    "phase-redirect": "#a08c3c",
    "phase-service_worker": "#8d8d8d",
    "phase-dns": "#56b4e9",
    "phase-connect": "#e69f00",
    "phase-tls": "#cc79a7",
    "phase-request": "#f0e442",
    "phase-wait": "#009e73",
    "phase-receive": "#56b4e9",
    "phase-opaque": "#9aa5b1",
    "phase-span": "#cc79a7",
    "type-document": "#56b4e9",
    "type-stylesheet": "#cc79a7",
    "type-script": "#f0e442",
    "type-font": "#d55e00",
    "type-image": "#009e73",
    "type-fetch": "#0f8fd6",
    "type-xmlhttprequest": "#0f8fd6",
    "type-beacon": "#0f8fd6",
    "type-websocket": "#0f8fd6",
    "type-eventsource": "#0f8fd6",
    "type-iframe": "#0f8fd6",
    "type-media": "#e69f00",
    "type-other": "#9aa5b1",
}

_SIXTEEN_VARIABLES = {
    "muted": "ansi_default",
    "faint": "ansi_bright_black",
    "row-selected": "ansi_blue",
    "row-slow": "ansi_default",
    "row-very-slow": "ansi_default",
    "row-error": "ansi_default",
    "phase-queue": "ansi_bright_black",
    "phase-redirect": "ansi_yellow",
    "phase-service_worker": "ansi_magenta",
    "phase-dns": "ansi_cyan",
    "phase-connect": "ansi_yellow",
    "phase-tls": "ansi_magenta",
    "phase-request": "ansi_bright_green",
    "phase-wait": "ansi_green",
    "phase-receive": "ansi_bright_blue",
    "phase-opaque": "ansi_white",
    "phase-span": "ansi_magenta",
    "type-document": "ansi_bright_blue",
    "type-stylesheet": "ansi_magenta",
    "type-script": "ansi_yellow",
    "type-font": "ansi_red",
    "type-image": "ansi_green",
    "type-fetch": "ansi_cyan",
    "type-xmlhttprequest": "ansi_cyan",
    "type-beacon": "ansi_cyan",
    "type-websocket": "ansi_cyan",
    "type-eventsource": "ansi_cyan",
    "type-iframe": "ansi_cyan",
    "type-media": "ansi_bright_yellow",
    "type-other": "ansi_white",
}

THEMES = (
    Theme(
        name=DARK,
        primary="#6cb0ff",
        secondary="#7f93ad",
        accent="#6cb0ff",
        foreground="#d6dde6",
        background="#0f1318",
        surface="#141a21",
        panel="#1b232d",
        success="#68b588",
        warning="#e5b567",
        error="#f07b82",
        dark=True,
        variables={
            **_DARK_VARIABLES,
            "border": "#2a3542",
            "scrollbar": "#2a3542",
            "scrollbar-hover": "#3b4a5c",
            "scrollbar-active": "#6cb0ff",
            "scrollbar-background": "#0f1318",
            "scrollbar-background-hover": "#0f1318",
            "scrollbar-background-active": "#0f1318",
            "scrollbar-corner-color": "#0f1318",
            "input-selection-background": "#6cb0ff 30%",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#2469c7",
        secondary="#5d7188",
        accent="#2469c7",
        foreground="#222a33",
        background="#fbfbf9",
        surface="#f3f4f3",
        panel="#e8ebec",
        success="#2f8550",
        warning="#8f5d00",
        error="#bf2d3c",
        dark=False,
        variables={
            **_LIGHT_VARIABLES,
            "border": "#d3d9df",
            "scrollbar": "#c7ced6",
            "scrollbar-hover": "#a9b3bf",
            "scrollbar-active": "#2469c7",
            "scrollbar-background": "#fbfbf9",
            "scrollbar-background-hover": "#fbfbf9",
            "scrollbar-background-active": "#fbfbf9",
            "scrollbar-corner-color": "#fbfbf9",
            "input-selection-background": "#2469c7 25%",
        },
    ),
    Theme(
        name=CONTRAST,
        primary="#56b4e9",
        secondary="#b8c2cc",
        accent="#56b4e9",
        foreground="#ffffff",
        background="#000000",
        surface="#0b0e12",
        panel="#171d24",
        success="#2fd0a2",
        warning="#f0b429",
        error="#ff8f4d",
        dark=True,
        variables={**_CONTRAST_VARIABLES, "border": "#55606c"},
    ),
    Theme(
        name=SIXTEEN,
        primary="ansi_cyan",
        secondary="ansi_default",
        accent="ansi_cyan",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        success="ansi_green",
        warning="ansi_yellow",
        error="ansi_bright_red",
        ansi=True,
        variables={
            **_SIXTEEN_VARIABLES,
            "border": "ansi_bright_black",
            "border-blurred": "ansi_bright_black",
            "ansi-background": "ansi_default",
            "ansi-foreground": "ansi_default",
            "block-cursor-background": "ansi_blue",
            "block-cursor-foreground": "ansi_bright_white",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_blue",
            "input-selection-foreground": "ansi_bright_white",
            "scrollbar": "ansi_bright_black",
            "scrollbar-hover": "ansi_white",
            "scrollbar-active": "ansi_cyan",
            "scrollbar-background": "ansi_default",
            "scrollbar-background-hover": "ansi_default",
            "scrollbar-background-active": "ansi_default",
            "scrollbar-corner-color": "ansi_default",
        },
    ),
    Theme(
        name=PLAIN,
        primary="ansi_default",
        secondary="ansi_default",
        accent="ansi_default",
        foreground="ansi_default",
        background="ansi_default",
        surface="ansi_default",
        panel="ansi_default",
        boost="ansi_default",
        success="ansi_default",
        warning="ansi_default",
        error="ansi_default",
        ansi=True,
        variables={
            **dict.fromkeys([*_DARK_VARIABLES, "border"], "ansi_default"),
            "ansi-background": "ansi_default",
            "ansi-foreground": "ansi_default",
            "border-blurred": "ansi_default",
            "input-cursor-background": "ansi_default",
            "input-cursor-foreground": "ansi_default",
            "input-cursor-text-style": "reverse",
            "input-selection-background": "ansi_default",
            "input-selection-foreground": "ansi_default",
        },
    ),
)
"""Registered by the app, the default one first."""


def variable_defaults(*, dark: bool) -> dict[str, str]:
    """The colours of the waterfall for a theme that does not bring its own."""
    return dict(_DARK_VARIABLES if dark else _LIGHT_VARIABLES)


def check_theme(name: str) -> None:
    """Refuse a name of the settings that no theme has.

    Raises:
        SettingsError: naming those that there are.
    """
    known = sorted({*BUILTIN_THEMES, *(theme.name for theme in THEMES)})
    if name not in known:
        raise SettingsError(
            f"[app] theme: there is no theme {name!r}; there are {', '.join(known)}"
        )
