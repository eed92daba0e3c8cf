"""Asking for usual durations once."""

from __future__ import annotations

from perftui.analysis.usual_book import UsualBook
from perftui.model import Usual


def test_each_endpoint_is_asked_for_once_until_the_session_has_grown() -> None:
    book = UsualBook()
    assert book.wanted(["GET a", "GET b", "GET a"], 100) == ["GET a", "GET b"]
    assert book.wanted(["GET a", "GET c"], 110) == ["GET c"]
    assert book.wanted(["GET a"], 120) == []
    assert book.wanted(["GET a"], 121) == ["GET a"]


def test_a_mapping_that_was_handed_out_stays_as_it_was() -> None:
    book = UsualBook()
    before = book.known
    assert book.learn({"GET a": Usual(5, 100)})
    assert not book.learn({"GET a": Usual(5, 100)})
    assert dict(before) == {}
    assert dict(book.known) == {"GET a": Usual(5, 100)}


def test_what_there_was_no_time_for_is_asked_for_again() -> None:
    book = UsualBook()
    book.wanted(["GET a", "GET b"], 100)
    book.forget(["GET b"])
    assert book.wanted(["GET a", "GET b"], 100) == ["GET b"]
