"""The nine questions: from the entries of some sessions to an :class:`~.answer.Answer`."""
