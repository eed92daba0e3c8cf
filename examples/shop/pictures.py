"""The shop's pictures, drawn here: SVG for the goods, PNG (zlib) for the journal and the map.

The same on every run: chance comes from a seeded generator.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from random import Random

from .goods import Product

INK = "#3d2f28"

DRAWINGS = {
    "aurora-lamp": """
<ellipse cx="200" cy="150" rx="150" ry="120" fill="#fff6dc" opacity=".75"/>
<path d="M146 88h108l34 112H112z" fill="#fbf3e2" stroke="#d9c6a0" stroke-width="3"/>
<path d="M158 90l-30 108M184 90l-10 108M216 90l10 108M242 90l30 108" stroke="#eadbbd" stroke-width="2"/>
<path d="M192 200h16v70h-16z" fill="#b9874f"/>
<path d="M200 262c44 0 62 34 62 62H138c0-28 18-62 62-62z" fill="#a8733c"/>
<path d="M170 284c-10 10-16 24-18 36" stroke="#c9965d" stroke-width="5" fill="none" stroke-linecap="round"/>
<circle cx="200" cy="216" r="5" fill="#6d4a25"/>""",
    "fjord-armchair": """
<path d="M118 120q82-36 164 0l14 132H104z" fill="#7f9d99"/>
<path d="M136 134q64-26 128 0l8 96H128z" fill="#94b0ac"/>
<rect x="82" y="196" width="50" height="96" rx="24" fill="#6d8b87"/>
<rect x="268" y="196" width="50" height="96" rx="24" fill="#6d8b87"/>
<rect x="118" y="232" width="164" height="56" rx="22" fill="#a5beba"/>
<path d="M112 290l-14 50M288 290l14 50M140 290l-4 44M260 290l4 44" stroke="#a8794a" stroke-width="10" stroke-linecap="round"/>""",
    "ember-vase": """
<path d="M200 128C180 90 150 60 132 36M200 128c8-44 36-70 62-96M200 128c-2-50-4-70 4-104" stroke="#6f7a4d" stroke-width="4" fill="none"/>
<g fill="#8a9a5b"><ellipse cx="136" cy="52" rx="9" ry="20" transform="rotate(-34 136 52)"/><ellipse cx="160" cy="76" rx="9" ry="20" transform="rotate(40 160 76)"/><ellipse cx="256" cy="46" rx="9" ry="20" transform="rotate(38 256 46)"/><ellipse cx="230" cy="78" rx="9" ry="20" transform="rotate(-30 230 78)"/><ellipse cx="204" cy="34" rx="9" ry="20"/></g>
<path d="M176 124h48c-4 34 46 64 46 128 0 52-30 84-70 84s-70-32-70-84c0-64 50-94 46-128z" fill="#b5613f"/>
<path d="M142 214c20 12 96 12 116 0 8 12 12 24 12 38 0 6 0 12-2 18-34 16-102 16-136 0-2-28 2-42 10-56z" fill="#d98c62" opacity=".8"/>
<ellipse cx="200" cy="125" rx="25" ry="6" fill="#7d3d25"/>""",
    "tide-clock": """
<circle cx="200" cy="196" r="128" fill="#6b4630"/><circle cx="200" cy="196" r="112" fill="#f7f3ea"/>
<g stroke="#6b4630" stroke-width="5" stroke-linecap="round"><path d="M200 96v16M200 280v16M100 196h16M284 196h16"/></g>
<g stroke="#b9a58f" stroke-width="3" stroke-linecap="round"><path d="M250 109l-5 9M287 146l-9 5M287 246l-9-5M250 283l-5-9M150 283l5-9M113 246l9-5M113 146l9 5M150 109l5 9"/></g>
<path d="M200 196l-40-44" stroke="#b98a3d" stroke-width="8" stroke-linecap="round"/>
<path d="M200 196l62-52" stroke="#b98a3d" stroke-width="5" stroke-linecap="round"/><circle cx="200" cy="196" r="9" fill="#b98a3d"/>""",
    "birch-stool": """
<path d="M150 160l-36 170M250 160l36 170M200 166v150" stroke="#c99e62" stroke-width="16" stroke-linecap="round"/>
<ellipse cx="200" cy="160" rx="108" ry="34" fill="#b98c50"/><ellipse cx="200" cy="150" rx="108" ry="34" fill="#e2c08d"/>
<g fill="none" stroke="#cfa76d" stroke-width="2"><ellipse cx="204" cy="150" rx="80" ry="24"/><ellipse cx="208" cy="150" rx="50" ry="14"/><ellipse cx="212" cy="150" rx="22" ry="6"/></g>""",
    "moss-planter": """
<g fill="#5f8a4e"><path d="M200 210C120 190 90 130 84 84c64 10 108 60 116 126z"/><path d="M200 210c80-20 110-80 116-126-64 10-108 60-116 126z" fill="#6f9c5c"/><path d="M200 210c-40-60-30-130 0-172 30 42 40 112 0 172z" fill="#7fae6a"/></g>
<path d="M200 206V60M200 206C170 160 130 120 104 100M200 206c30-46 70-86 96-106" stroke="#4b6f3d" stroke-width="3" fill="none"/>
<path d="M118 204h164l-20 112a24 24 0 0 1-24 20h-76a24 24 0 0 1-24-20z" fill="#9aa36d"/><rect x="106" y="196" width="188" height="28" rx="10" fill="#848d59"/>
<rect x="128" y="334" width="144" height="14" rx="7" fill="#848d59"/>""",
    "kiln-teapot": """
<path d="M262 190c66-18 78 92-10 92" fill="none" stroke="#7c5a4a" stroke-width="16" stroke-linecap="round"/>
<path d="M134 250c-34-6-44-54-72-60l22-12c28 4 38 30 60 34z" fill="#8f6a58"/>
<path d="M120 226c0-54 36-84 80-84s80 30 80 84c0 50-32 84-80 84s-80-34-80-84z" fill="#9d7663"/>
<path d="M122 214c40 16 116 16 156 0 4 28-2 50-14 66-34 14-94 14-128 0-12-16-18-38-14-66z" fill="#b28b77"/>
<ellipse cx="200" cy="144" rx="48" ry="14" fill="#7c5a4a"/><circle cx="200" cy="122" r="15" fill="#c9a06a"/>""",
    "loft-lamp": """
<ellipse cx="286" cy="176" rx="86" ry="92" fill="#fff4d2" opacity=".8"/>
<path d="M110 336V150C110 40 270 30 286 108" fill="none" stroke="#46464a" stroke-width="9"/>
<path d="M246 104h80l22 54h-124z" fill="#55555a"/><ellipse cx="286" cy="160" rx="60" ry="10" fill="#ffe9a8"/>
<ellipse cx="110" cy="338" rx="58" ry="14" fill="#3a3a3e"/>""",
    "dune-rug": """
<path d="M78 120l214-22 44 190-222 26z" fill="#d9bf98"/><path d="M96 136l184-18 36 156-190 22z" fill="#efdfc3"/>
<g fill="none" stroke="#c4a377" stroke-width="6"><path d="M106 166q44-34 92-8t98-14"/><path d="M114 200q44-34 92-8t98-14"/><path d="M122 234q44-34 92-8t98-14"/><path d="M128 268q44-34 92-8t94-12"/></g>
<path d="M78 120l-8-6m12 26l-9-5m14 27l-9-5m15 28l-9-5m14 28l-9-5m15 28l-9-5m14 28l-9-5M292 98l6-8m4 28l8-7" stroke="#b8976a" stroke-width="3"/>""",
    "harbor-mirror": """
<rect x="118" y="62" width="164" height="276" rx="82" fill="#b0803f"/><rect x="132" y="76" width="136" height="248" rx="68" fill="#cfe0e8"/>
<path d="M150 250l84-150M172 286l80-142" stroke="#e9f3f7" stroke-width="16" stroke-linecap="round"/>
<path d="M132 230c40 20 96-24 136 4v22a68 68 0 0 1-136 0z" fill="#b4cad4" opacity=".6"/>""",
    "willow-basket": """
<path d="M132 176c0-96 136-96 136 0" fill="none" stroke="#a9793c" stroke-width="12"/>
<path d="M98 178h204l-26 142a22 22 0 0 1-22 18H146a22 22 0 0 1-22-18z" fill="#c99c58"/>
<g stroke="#a97c3e" stroke-width="5" fill="none"><path d="M104 208h192M110 240h180M116 272h168M122 304h156"/><path d="M140 180l12 156M180 180l6 156M220 180l-6 156M260 180l-12 156" stroke="#e0bd83"/></g>
<rect x="88" y="166" width="224" height="24" rx="12" fill="#b4873f"/>""",
    "slate-candle": """
<ellipse cx="200" cy="120" rx="66" ry="84" fill="#fff1c9" opacity=".8"/>
<path d="M200 66c22 30 18 54 0 54s-22-24 0-54z" fill="#f0a63c"/><path d="M200 88c10 14 8 28 0 28s-10-14 0-28z" fill="#fff3c4"/>
<path d="M200 116v16" stroke="#3d2f28" stroke-width="3"/><rect x="178" y="130" width="44" height="126" rx="4" fill="#f6efe2"/><path d="M178 146c10 10 6 30 14 30s4-24 14-24 8 16 16 10v-32h-44z" fill="#fffaf0"/>
<path d="M166 250h68v20h-68z" fill="#b98a3d"/><path d="M92 270h216l-16 54H108z" fill="#4d5158"/><path d="M92 270h216l-6 20H98z" fill="#636870"/>""",
}

PICTURE_HEADER = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
    'width="{width}" height="{height}">'
)


@cache
def product(item: Product) -> bytes:
    """A picture of one product, 400 by 400."""
    return (
        PICTURE_HEADER.format(width=400, height=400)
        + '<defs><radialGradient id="g" cx=".5" cy=".42" r=".75">'
        + f'<stop offset="0" stop-color="#fff" stop-opacity=".55"/><stop offset="1" stop-color="{item.tint}"/>'
        + f'</radialGradient></defs><rect width="400" height="400" fill="{item.tint}"/>'
        + '<rect width="400" height="400" fill="url(#g)"/>'
        + f'<ellipse cx="200" cy="342" rx="132" ry="14" fill="{INK}" opacity=".13"/>'
        + DRAWINGS[item.id].strip()
        + "</svg>"
    ).encode()


def _leaves(random: Random) -> Iterable[str]:
    """A fiddle-leaf plant: pairs of leaves up a bent stem."""
    for step in range(26):
        along = step / 25
        x = 1030 + 34 * math.sin(along * 2.2)
        y = 470 - 300 * along
        for side in (-1, 1):
            turn = side * (62 - 40 * along) + random.random() * 26 - 13
            length = 74 - 34 * along + random.random() * 14
            green = ("#3f6b4a", "#4c7d56", "#5b8f63", "#6da173")[int(random.random() * 4)]
            yield (
                f'<path d="M0 0C{length * 0.28:.1f} {-length * 0.34:.1f} {length * 0.3:.1f} '
                f"{-length * 0.82:.1f} 0 {-length:.1f}C{-length * 0.3:.1f} {-length * 0.82:.1f} "
                f'{-length * 0.28:.1f} {-length * 0.34:.1f} 0 0z" fill="{green}" '
                f'transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})"/>'
            )


def _planks(random: Random) -> Iterable[str]:
    """A floor of oak boards in perspective, each with its grain."""
    for row, (top, height) in enumerate(((520, 18), (538, 24), (562, 32), (594, 46))):
        x = -random.random() * 160
        while x < 1200:
            width = 150 + random.random() * 140 + row * 30
            brown = ("#c89a66", "#c3935e", "#cea273", "#bd8c57")[int(random.random() * 4)]
            yield (
                f'<rect x="{x:.0f}" y="{top}" width="{width:.0f}" height="{height}" '
                f'fill="{brown}" stroke="#a5763f" stroke-width="1"/>'
            )
            for _ in range(4):
                at = top + 3 + random.random() * (height - 6)
                bend = random.random() * 5 - 2.5
                start, end = x + 6 + random.random() * 40, x + width - 6 - random.random() * 40
                yield (
                    f'<path d="M{start:.0f} {at:.1f}Q{(start + end) / 2:.0f} {at + bend:.1f} '
                    f'{end:.0f} {at:.1f}" stroke="#a97b48" stroke-width=".8" fill="none" '
                    'opacity=".6"/>'
                )
            x += width


def _books(random: Random) -> Iterable[str]:
    x = 432.0
    while x < 620:
        width, height = 10 + random.random() * 14, 52 + random.random() * 26
        colour = ("#8c4a3a", "#40566b", "#c9a04e", "#5f7355", "#7c6a86", "#d9cbb2")[
            int(random.random() * 6)
        ]
        yield (
            f'<rect x="{x:.1f}" y="{398 - height:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="1.5" fill="{colour}"/>'
            f'<path d="M{x + 3:.1f} {412 - height:.1f}h{width - 6:.1f}" stroke="#fff" opacity=".4"/>'
        )
        x += width + 1.5


@cache
def hero() -> bytes:
    """The room on the home page, 1200 by 640, at dusk."""
    random = Random(20)
    hills = [
        "M640 330"
        + "".join(
            f"L{640 + step * 11:.0f} {base - swing * (0.5 + 0.5 * math.sin(step * pace + phase)):.1f}"
            for step in range(21)
        )
        + "L860 330z"
        for base, swing, pace, phase in (
            (262, 46, 0.33, 0.4),
            (286, 34, 0.48, 2.0),
            (306, 22, 0.7, 4.1),
        )
    ]
    parts = [
        PICTURE_HEADER.format(width=1200, height=640),
        '<defs><linearGradient id="wall" x2="0" y2="1"><stop stop-color="#e9d8c3"/>'
        '<stop offset="1" stop-color="#d8c1a6"/></linearGradient>'
        '<linearGradient id="sky" x2="0" y2="1"><stop stop-color="#5b6f97"/>'
        '<stop offset=".6" stop-color="#d7a08a"/><stop offset="1" stop-color="#f3cf9a"/>'
        '</linearGradient><radialGradient id="glow"><stop stop-color="#fff0c4" stop-opacity=".95"/>'
        '<stop offset="1" stop-color="#fff0c4" stop-opacity="0"/></radialGradient></defs>',
        '<rect width="1200" height="640" fill="url(#wall)"/>',
        # The window, with hills behind it.
        '<rect x="628" y="86" width="244" height="256" fill="#f7f1e6"/>'
        '<rect x="640" y="98" width="220" height="232" fill="url(#sky)"/>'
        '<circle cx="786" cy="228" r="24" fill="#ffe3ad"/>',
        *(
            f'<path d="{hill}" fill="{colour}"/>'
            for hill, colour in zip(hills, ("#8a7f9d", "#655f80", "#474863"), strict=True)
        ),
        '<path d="M750 98v232M640 206h220" stroke="#f7f1e6" stroke-width="8"/>'
        '<rect x="612" y="340" width="276" height="14" rx="4" fill="#efe5d4"/>',
        # Pictures on the wall.
        '<g><rect x="404" y="120" width="86" height="112" fill="#6b4630"/>'
        '<rect x="412" y="128" width="70" height="96" fill="#f4ecdf"/>'
        '<circle cx="447" cy="166" r="20" fill="#d08a5b"/><path d="M412 206q34-30 70 0v18h-70z" fill="#7f9d99"/>'
        '<rect x="508" y="150" width="70" height="82" fill="#6b4630"/>'
        '<rect x="515" y="157" width="56" height="68" fill="#f4ecdf"/>'
        '<path d="M525 214q18-56 36 0" stroke="#3d2f28" stroke-width="3" fill="none"/></g>',
        *_planks(random),
        '<rect y="508" width="1200" height="12" fill="#f2e8d8"/>',
        # The sideboard with its books and lamp.
        '<rect x="220" y="398" width="440" height="116" rx="6" fill="#9a6a3b"/>'
        '<rect x="220" y="398" width="440" height="12" rx="4" fill="#b27f4a"/>'
        '<path d="M366 414v98M512 414v98" stroke="#7d5329" stroke-width="3"/>'
        '<circle cx="354" cy="460" r="5" fill="#e0bd83"/><circle cx="500" cy="460" r="5" fill="#e0bd83"/>'
        '<circle cx="524" cy="460" r="5" fill="#e0bd83"/>'
        '<path d="M244 514l-8 46M636 514l8 46" stroke="#7d5329" stroke-width="12" stroke-linecap="round"/>',
        *_books(random),
        '<circle cx="304" cy="290" r="210" fill="url(#glow)"/>'
        '<path d="M262 216h84l30 92H232z" fill="#fff6df"/><path d="M272 218l-20 88M304 218v88M336 218l20 88" stroke="#ecdcb9" stroke-width="2"/>'
        '<path d="M298 308h12v46h-12z" fill="#8a5a2b"/><path d="M304 350c34 0 46 24 48 48h-96c2-24 14-48 48-48z" fill="#a8733c"/>',
        # The rug and the armchair.
        '<ellipse cx="800" cy="588" rx="330" ry="40" fill="#efe3cd"/>'
        '<ellipse cx="800" cy="588" rx="296" ry="33" fill="none" stroke="#c9ab7e" stroke-width="4"/>'
        '<ellipse cx="800" cy="588" rx="250" ry="26" fill="none" stroke="#c9ab7e" stroke-width="2" stroke-dasharray="16 10"/>',
        '<g transform="translate(620 292) scale(.86)">'
        + DRAWINGS["fjord-armchair"].strip()
        + "</g>",
        # The plant.
        '<path d="M1030 480Q1080 330 1040 170" stroke="#5d4a33" stroke-width="8" fill="none"/>',
        *_leaves(random),
        '<path d="M966 452h128l-16 120a16 16 0 0 1-16 14h-64a16 16 0 0 1-16-14z" fill="#c97f57"/>'
        '<rect x="956" y="440" width="148" height="24" rx="8" fill="#b36d47"/>',
        "</svg>",
    ]
    return "".join(parts).encode()


def _picture(
    width: int, height: int, palette: Sequence[tuple[int, int, int]], rows: list[bytes]
) -> bytes:
    """A PNG of ``rows`` of palette indices (PNG, third edition: sections 11.2.1 to 11.2.4)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"PLTE", bytes(value for colour in palette for value in colour))
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows), 9))
        + chunk(b"IEND", b"")
    )


def _between(
    first: tuple[int, int, int], last: tuple[int, int, int], count: int
) -> list[tuple[int, int, int]]:
    return [
        (
            round(first[0] + (last[0] - first[0]) * step / (count - 1)),
            round(first[1] + (last[1] - first[1]) * step / (count - 1)),
            round(first[2] + (last[2] - first[2]) * step / (count - 1)),
        )
        for step in range(count)
    ]


DUSKS: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]] = {
    "forest": ((188, 205, 214), (246, 231, 208), (38, 64, 58)),
    "kiln": ((214, 150, 118), (250, 222, 176), (82, 44, 42)),
    "coast": ((126, 152, 190), (244, 214, 196), (36, 52, 84)),
}
"""The journal's pictures: the colours of sky, horizon and the nearest hill."""


@cache
def journal(name: str) -> bytes:
    """Hills behind hills at dusk: a PNG of 480 by 300, grainy like a film.

    Raises:
        KeyError: there is no such picture; see :data:`DUSKS`.
    """
    sky, horizon, near = DUSKS[name]
    width, height, layers, shades = 480, 300, 6, 64
    random = Random(name)
    palette = _between(sky, horizon, shades)
    palette += [
        colour
        for layer in range(layers)
        for colour in _between(
            (
                round(horizon[0] + (near[0] - horizon[0]) * (layer + 0.6) / layers),
                round(horizon[1] + (near[1] - horizon[1]) * (layer + 0.6) / layers),
                round(horizon[2] + (near[2] - horizon[2]) * (layer + 0.6) / layers),
            ),
            horizon,
            24,
        )[:20]
    ]
    ridges = []
    for layer in range(layers):
        waves = [
            (random.random() * 6.3, 0.006 * 2**octave, 26 / 1.7**octave) for octave in range(6)
        ]
        base = 120 + layer * 30
        ridges.append(
            [
                base + sum(math.sin(phase + x * pace) * swing for phase, pace, swing in waves)
                for x in range(width)
            ]
        )
    grain = [random.random() for _ in range(4099)]
    rows = []
    for y in range(height):
        row = bytearray(width)
        for x in range(width):
            noise = grain[(y * 631 + x * 7 + (x * y) % 97) % 4099]
            for layer in range(layers - 1, -1, -1):
                depth = y - ridges[layer][x]
                if depth >= 0:
                    row[x] = shades + layer * 20 + min(19, int(depth / 7 + noise * 2))
                    break
            else:
                row[x] = min(shades - 1, int(y / 3.4 + noise * 2))
        rows.append(bytes(row))
    return _picture(width, height, palette, rows)


@cache
def street_map() -> bytes:
    """The way to the shop: a PNG of 320 by 200."""
    width, height = 320, 200
    palette = [
        (238, 233, 222),
        (255, 255, 255),
        (203, 222, 190),
        (176, 205, 224),
        (226, 218, 202),
        (178, 84, 52),
    ]
    random = Random(7)
    canvas = [bytearray(width) for _ in range(height)]

    def fill(left: int, top: int, right: int, bottom: int, colour: int) -> None:
        for y in range(max(top, 0), min(bottom, height)):
            canvas[y][max(left, 0) : min(right, width)] = bytes([colour]) * (
                min(right, width) - max(left, 0)
            )

    for left in range(0, width, 40):
        for top in range(0, height, 33):
            inset = 5 + int(random.random() * 6)
            fill(left + inset, top + inset, left + 36, top + 29, 2 if random.random() < 0.16 else 4)
    for x in range(0, width, 40):
        fill(x - 2, 0, x + 3, height, 1)
    for y in range(0, height, 33):
        fill(0, y - 2, width, y + 3, 1)
    fill(157, 0, 166, height, 1)
    for y in range(height):
        middle = 248 + round(18 * math.sin(y / 34))
        fill(middle - 9, y, middle + 9, y + 1, 3)
    for y in range(-11, 12):
        reach = round(math.sqrt(121 - y * y))
        fill(120 - reach, 88 + y, 120 + reach, 89 + y, 5)
    fill(117, 85, 123, 91, 1)
    return _picture(width, height, palette, [bytes(row) for row in canvas])


@cache
def pixel() -> bytes:
    """One white dot, as trackers ask for."""
    return _picture(1, 1, [(255, 255, 255)], [b"\0"])


@cache
def banner() -> bytes:
    """The strip above the journal, 1200 by 120."""
    random = Random(3)
    dots = "".join(
        f'<circle cx="{random.random() * 1200:.0f}" cy="{random.random() * 120:.0f}" '
        f'r="{2 + random.random() * 5:.1f}" fill="#f6e3c4" opacity="{0.15 + random.random() * 0.5:.2f}"/>'
        for _ in range(140)
    )
    return (
        PICTURE_HEADER.format(width=1200, height=120)
        + '<rect width="1200" height="120" fill="#2f4a44"/>'
        + dots
        + '<text x="600" y="58" text-anchor="middle" font-family="Georgia,serif" font-size="34" '
        'fill="#fff6e4">Autumn light</text><text x="600" y="90" text-anchor="middle" '
        'font-family="Helvetica,Arial,sans-serif" font-size="17" fill="#e7d5b5">'
        "every lamp comes with a bulb that lasts, until the end of November</text></svg>"
    ).encode()


@cache
def stars() -> bytes:
    """Five stars, for the review widget of the third party."""
    points = " ".join(
        f"{12 + radius * math.sin(turn * math.pi / 5):.2f},{12 - radius * math.cos(turn * math.pi / 5):.2f}"
        for turn, radius in ((step, 11 if step % 2 == 0 else 4.6) for step in range(10))
    )
    return (
        PICTURE_HEADER.format(width=120, height=24)
        + "".join(
            f'<polygon points="{points}" fill="#d9962f" transform="translate({24 * index} 0)"/>'
            for index in range(5)
        )
        + "</svg>"
    ).encode()
