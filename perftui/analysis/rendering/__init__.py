"""Answers as text, Markdown, JSON and HTML. Pure: an answer in, characters out."""
