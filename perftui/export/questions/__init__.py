"""The nine questions as SQL in ClickHouse, over everything that is there.

What is about requests (durations, phases, sizes, third parties, changes) is aggregated there and
comes back as rows of the same declared columns as the local answers'. What follows from the whole
of a page load (its LCP, the chain of requests to it) is computed here, from whole sessions: all of
them where they are few, else those that a hash of their ID chooses, and a note says of how many.
"""
