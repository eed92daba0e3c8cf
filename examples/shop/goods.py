"""What the shop sells: the data behind its pages and its JSON API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """One thing on the shelf. ``price`` is in euro cents."""

    id: str
    name: str
    kind: str
    price: int
    material: str
    size: str
    blurb: str
    tint: str
    """The colour behind its picture."""

    @property
    def price_text(self) -> str:
        """For people: ``€ 129.00``."""
        return f"€ {self.price / 100:.2f}"

    def summary(self) -> dict[str, object]:
        """What lists and search results say about it."""
        return {
            "id": self.id,
            "name": self.name,
            "kind": self.kind,
            "price": self.price,
            "image": f"/img/products/{self.id}.svg",
        }


PRODUCTS = (
    Product(
        "aurora-lamp",
        "Aurora table lamp",
        "Lamps",
        12900,
        "Oiled oak, linen shade",
        "28 × 46 cm",
        "A quiet light for late chapters. The shade is sewn by hand, the foot is turned from one "
        "piece of oak, and the switch is where your hand looks for it.",
        "#f3e3c8",
    ),
    Product(
        "fjord-armchair",
        "Fjord armchair",
        "Chairs",
        54900,
        "Ash, wool bouclé",
        "74 × 78 × 82 cm",
        "Deep enough to fold your legs, light enough to carry to the window. The cover comes off "
        "and may be washed.",
        "#d8e4e2",
    ),
    Product(
        "ember-vase",
        "Ember vase",
        "Ceramics",
        4600,
        "Stoneware, ash glaze",
        "14 × 29 cm",
        "Fired in a wood kiln for two days. No two look alike, and all of them hold a branch in "
        "winter as well as tulips in April.",
        "#f2d9cd",
    ),
    Product(
        "tide-clock",
        "Tide wall clock",
        "Clocks",
        8900,
        "Walnut, brass",
        "ø 32 cm",
        "A silent movement and two brass hands. It shows the time, and nothing else.",
        "#dfe3ee",
    ),
    Product(
        "birch-stool",
        "Birch stool",
        "Chairs",
        7900,
        "Laminated birch",
        "ø 36 × 44 cm",
        "Three legs never wobble. Stack four of them, or take one along into the garden.",
        "#efe6d2",
    ),
    Product(
        "moss-planter",
        "Moss planter",
        "Ceramics",
        3900,
        "Terracotta, moss glaze",
        "22 × 20 cm",
        "With a saucer that is part of the pot, so that it stays on the sill and the water too.",
        "#dce8d4",
    ),
    Product(
        "kiln-teapot",
        "Kiln teapot",
        "Ceramics",
        6400,
        "Stoneware, cork",
        "0.9 l",
        "It pours without a drop. The cork sits under the handle, where it keeps fingers cool.",
        "#ead9d0",
    ),
    Product(
        "loft-lamp",
        "Loft floor lamp",
        "Lamps",
        23900,
        "Steel, powder coated",
        "150 cm",
        "An arc that reaches over the sofa and a head that turns where the book is.",
        "#e0dfd9",
    ),
    Product(
        "dune-rug",
        "Dune rug",
        "Textiles",
        31900,
        "Undyed wool",
        "140 × 200 cm",
        "Woven in the colours of the sheep. It is flat, dense, and the same on both sides.",
        "#f0e4d0",
    ),
    Product(
        "harbor-mirror",
        "Harbor mirror",
        "Mirrors",
        14900,
        "Oak, silvered glass",
        "45 × 70 cm",
        "Rounded like a porthole that had time. It hangs upright or on its side.",
        "#d9e2e8",
    ),
    Product(
        "willow-basket",
        "Willow basket",
        "Textiles",
        5400,
        "Peeled willow",
        "38 × 32 cm",
        "For logs, blankets or toys, woven by two sisters in the Spreewald.",
        "#f1e2c4",
    ),
    Product(
        "slate-candle",
        "Slate candle holder",
        "Ceramics",
        2900,
        "Slate, brass",
        "9 × 9 × 4 cm",
        "Heavy, dark and calm. It takes the usual candles and catches their wax.",
        "#dcdce0",
    ),
)

BY_ID = {product.id: product for product in PRODUCTS}

PAGE_SIZE = 6
PAGES = [PRODUCTS[start : start + PAGE_SIZE] for start in range(0, len(PRODUCTS), PAGE_SIZE)]

REVIEWS = (
    ("Ines", 5, "Bought one for the reading corner and came back for a second."),
    ("Tomasz", 4, "Lovely piece. The parcel was larger than my door, the thing itself is not."),
    ("Mireille", 5, "Looks better than in the pictures, which says something about the pictures."),
    ("Jonas", 3, "Good, though the colour is a touch warmer than I had thought."),
    ("Aiko", 5, "You can see that somebody took their time."),
)

SHIPPING = (
    ("pick-up", "Pick up in the shop", "tomorrow from 10:00", 0),
    ("bike", "Bike courier", "today until 20:00", 690),
    ("parcel", "Parcel", "in two to three days", 490),
    ("van", "Two people and a van", "Thursday between 8:00 and 12:00", 3900),
)
"""ID, name, when, and price in euro cents."""


def related(product: Product) -> list[Product]:
    """What goes with ``product``: the same kind first, four in all."""
    others = [other for other in PRODUCTS if other is not product]
    others.sort(key=lambda other: other.kind != product.kind)
    return others[:4]


def search(words: str) -> list[Product]:
    """The products with all of ``words`` in their name, kind or material."""
    wanted = words.lower().split()
    return [
        product
        for product in PRODUCTS
        if all(
            word in f"{product.name} {product.kind} {product.material}".lower() for word in wanted
        )
    ]
