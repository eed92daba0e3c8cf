"""Two large scripts, made here: one is served as it is, the other compressed.

The same on every run, and of an exact size: both are filled up with a comment.
"""

from __future__ import annotations

import json
from functools import cache
from random import Random

PLACES_BYTES = 640_000
PHRASES_BYTES = 240_000

_STARTS = ("Alt", "Berg", "Dorn", "Eich", "Feld", "Grün", "Hohen", "Kirch", "Lind", "Ober", "Stein")
_MIDDLES = ("", "en", "er", "wald", "heim", "bach")
_ENDS = ("au", "berg", "brück", "dorf", "feld", "hausen", "ingen", "rode", "stadt", "tal")


def _pick(random: Random, choices: tuple[str, ...]) -> str:
    # Only random() is promised to give the same numbers in every version of Python.
    return choices[int(random.random() * len(choices))]


def _filled_up(head: str, items: list[str], tail: str, size: int) -> bytes:
    """``head``, as many of ``items`` as fit, ``tail`` and a comment: ``size`` bytes."""
    left = size - len(head.encode()) - len(tail.encode()) - len("/**/")
    taken = []
    for item in items:
        left -= len(item.encode()) + 1
        if left < 0:
            left += len(item.encode()) + 1
            break
        taken.append(item)
    return f"{head}{','.join(taken)}{tail}/*{' ' * (left + 1)}*/".encode()


@cache
def places() -> bytes:
    """``window.LumenPlaces``: postcodes and towns, to complete an address with."""
    random = Random(640)
    items = [
        json.dumps(
            [
                f"{10000 + index * 7}",
                _pick(random, _STARTS) + _pick(random, _MIDDLES) + _pick(random, _ENDS),
                round(47.5 + random.random() * 7, 4),
                round(6 + random.random() * 9, 4),
            ],
            ensure_ascii=False,
        )
        for index in range(16_000)
    ]
    return _filled_up("window.LumenPlaces=[", items, "];", PLACES_BYTES)


@cache
def phrases() -> bytes:
    """``window.LumenPhrases``: words that the search box suggests."""
    random = Random(240)
    colours = ("white", "oak", "linen", "moss", "slate", "amber", "indigo", "walnut", "brass")
    things = ("lamp", "chair", "vase", "clock", "stool", "planter", "rug", "mirror", "basket")
    places_ = ("for the hall", "for two", "by the window", "for small rooms", "for the garden")
    items = [
        json.dumps(
            f"{_pick(random, colours)} {_pick(random, things)} {_pick(random, places_)} no. {index}"
        )
        for index in range(8_000)
    ]
    return _filled_up("window.LumenPhrases=[", items, "];", PHRASES_BYTES)
