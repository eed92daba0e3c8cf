"""What a copied request supposes is said."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from perftui.analysis.describe import Surroundings
from perftui.analysis.filters import parse
from perftui.screens.copying import copied
from perftui.store.reader import StoreReader
from tests.screens.sample_store import SESSION


@pytest.mark.parametrize("form", ["curl", "fetch"])
def test_a_method_that_nobody_told_is_said_to_be_supposed(sample_store: Path, form: str) -> None:
    with StoreReader(sample_store) as reader:
        seqs = reader.index(SESSION, predicate=parse("method:POST")).seqs[:1]
        (told,) = reader.records(seqs)
        session = reader.session(SESSION), reader.page_views(SESSION)
    around = Surroundings(session_start_us=session[0].started_us, page_urls={})
    untold = msgspec.structs.replace(told, entry=msgspec.structs.replace(told.entry, method=None))
    assert copied(told, around, session, form)[1] in {"the cURL command", "the fetch call"}
    assert copied(untold, around, session, form)[1].endswith(" (GET: the method was not reported)")
