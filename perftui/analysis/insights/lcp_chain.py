"""The chain of requests to the LCP of a pageview, out of columns."""

from __future__ import annotations

import numpy as np

from perftui.analysis.critical_path import INITIATOR_FIELDS, Spans, chain_places, initiator_url
from perftui.analysis.insights.requests import KINDS
from perftui.analysis.insights.study import Study
from perftui.request_columns import Integers


def chain_of(
    study: Study, rows: Integers, target_us: int, lcp_url: str | None
) -> list[tuple[int, bool]]:
    """The chain to an LCP among the requests of a pageview that began before it: the places of its
    requests, and whether the source names each as the cause of the next."""
    requests = study.requests
    told = [requests.told(field) for field in INITIATOR_FIELDS]
    seqs = requests.seqs[rows].tolist()
    ends = requests.ends[rows].tolist()
    blocking = requests.is_blocking[rows].tolist()
    silent = (requests.identifiers("render_blocking_status")[rows] == 0).tolist()
    navigations = requests.is_navigation[rows].tolist()

    def initiator(place: int) -> str | None:
        for one in told:
            if (extra := one.get(seqs[place])) is not None:
                return initiator_url(extra)
        return None

    found = chain_places(
        Spans(
            starts=requests.starts[rows].astype(np.int64).tolist(),
            ends=[None if end != end else round(end) for end in ends],
            kinds=[KINDS[kind] for kind in requests.kinds[rows].tolist()],
            navigations=navigations,
            blocking=[
                None if unknown else "blocking" if blocks else "non-blocking"
                for unknown, blocks in zip(silent, blocking, strict=True)
            ],
            urls=[requests.url_texts[url] for url in requests.urls[rows].tolist()],
            initiator=initiator,
        ),
        target_us,
        lcp_url,
    )
    return [(int(rows[place]), is_told) for place, is_told in found]
