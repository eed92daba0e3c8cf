"""What ``docs/filters.md`` shows is understood, and it names every field and value there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perftui.analysis.filter_fields import FIELDS, HAS, IS
from perftui.analysis.filters import parse

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "filters.md").read_text(encoding="utf-8")

BLOCKS = [
    line
    for block in re.findall(r"```filter\n(.*?)```", PAGE, re.S)
    for line in block.splitlines()
    if line
]
CELLS = [
    example
    for row in re.findall(r"^\| `.*\| (.*) \|$", PAGE, re.M)
    for example in re.findall(r"`([^`]+)`", row)
]


@pytest.mark.parametrize("example", BLOCKS + CELLS)
def test_each_example_is_understood(example: str) -> None:
    assert str(parse(example))


def test_there_are_examples() -> None:
    assert len(BLOCKS) >= 5
    assert len(CELLS) >= 20


@pytest.mark.parametrize("name", [*FIELDS, *IS, *HAS])
def test_the_page_names_everything(name: str) -> None:
    assert f"`{name}" in PAGE or f"`{name}:" in PAGE
