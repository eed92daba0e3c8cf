"""Write docs/settings.md from the docstrings of perftui/config.py."""

from __future__ import annotations

import ast
import inspect
import itertools
from pathlib import Path

import msgspec

from perftui import config
from perftui.config import Settings

HEAD = """# Settings

Read from the file that `--config` names, else from `./perftui.toml`, else from `perftui.toml` in your
config folder. A setting `name` of the table `[section]` is `PERFTUI_SECTION_NAME` in the environment,
which wins over the file; a flag wins over both. Lists are separated by commas there; `[app.keys]` is
read from the file alone. `perftui doctor` says which file is read, and what is wrong in it. This page is
written from `perftui/config.py` by `scripts/write_settings_page.py`.
"""


def page() -> str:
    """The whole page."""
    tree = ast.parse(inspect.getsource(config))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    parts = [HEAD]
    for section in msgspec.structs.fields(Settings):
        table = type(getattr(Settings(), section.name))
        about = inspect.cleandoc(table.__doc__ or "").split(": ", 1)[-1]
        parts.append(f"## `[{section.name}]`\n\n{about[0].upper()}{about[1:]}\n")
        parts.append("| setting | default | what it does |\n| --- | --- | --- |")
        body = classes[table.__name__].body
        for node, following in itertools.pairwise(body):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                assert isinstance(following, ast.Expr)
                assert isinstance(following.value, ast.Constant)
                words = " ".join(str(following.value.value).split())
                default = getattr(table(), node.target.id)
                shown = list(default) if isinstance(default, tuple) else default
                parts.append(f"| `{node.target.id}` | `{shown!r}` | {words} |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    target = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
    target.write_text(page(), encoding="utf-8")
