"""The shop's documents: the HTML of the folder ``static`` with the data filled in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from . import goods

STATIC = Path(__file__).parent / "static"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What the pages must know about where they are served."""

    cdn_url: str
    """Origin of the third party with ``Timing-Allow-Origin``, without a slash at the end."""
    tracker_url: str
    """Origin of the third party without it."""
    sdk_url: str | None = None
    """The ``src`` of perftui's script tag, the first in the head; ``None`` for pages without."""


@cache
def asset(name: str) -> bytes:
    """A file of the folder ``static``."""
    return (STATIC / name).read_bytes()


def _template(name: str) -> Template:
    return Template(asset(name).decode())


def _document(site: Site, script: str, title: str, content: str) -> bytes:
    sdk = f'<script src="{escape(site.sdk_url)}"></script>\n' if site.sdk_url else ""
    return (
        _template("base.html")
        .substitute(
            cdn=escape(site.cdn_url),
            tracker=escape(site.tracker_url),
            sdk=sdk,
            title=escape(title),
            script=script,
            content=content.strip(),
        )
        .encode()
    )


def _card(product: goods.Product, lazy: bool) -> str:
    loading = ' loading="lazy"' if lazy else ""
    return (
        f'    <li class="card"><a href="/products/{product.id}">'
        f'<img src="/img/products/{product.id}.svg" width="400" height="400" alt=""{loading}>'
        f"<h3>{escape(product.name)}</h3><p>{product.price_text}</p></a></li>"
    )


def home(site: Site) -> bytes:
    """``/``"""
    cards = "\n".join(_card(product, lazy=True) for product in goods.PRODUCTS[:4])
    content = _template("home.html").substitute(favourites=cards)
    return _document(site, "home", "Light to come home to", content)


def catalogue_path(number: int) -> str:
    """The path of a page of the catalogue; the first is 1."""
    return f"/products/page/{number}" if number > 1 else "/products"


def catalogue(site: Site, number: int) -> bytes:
    """``/products`` (``number`` 1) and ``/products/page/N``."""
    here = ' class="here"'
    links = "\n".join(
        f'    <a href="{catalogue_path(page)}"{here if page == number else ""}>{page}</a>'
        for page in range(1, len(goods.PAGES) + 1)
    )
    cards = "\n".join(_card(product, lazy=False) for product in goods.PAGES[number - 1])
    content = _template("catalogue.html").substitute(shelf=cards, pages=links)
    return _document(site, "catalogue", "All products", content)


def product(site: Site, item: goods.Product, tab: str) -> bytes:
    """``/products/ID`` (``tab`` ``description``) and ``/products/ID/TAB``."""
    content = _template("product.html").substitute(
        id=item.id,
        name=escape(item.name),
        kind=escape(item.kind),
        price=item.price_text,
        blurb=escape(item.blurb),
        material=escape(item.material),
        size=escape(item.size),
        tab=tab,
    )
    return _document(site, "product", item.name, content)


def checkout(site: Site, step: str) -> bytes:
    """``/checkout`` (``step`` ``address``) and ``/checkout/STEP``."""
    content = _template("checkout.html").substitute(step=step)
    return _document(site, "checkout", "Checkout", content)


def missing(site: Site) -> bytes:
    """What every unknown URL answers, with status 404."""
    return _document(site, "shop", "Nothing on this shelf", asset("missing.html").decode())
