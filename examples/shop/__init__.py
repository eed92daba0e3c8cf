"""Lumen & Oak: a small shop to look at with perftui, served by the standard library alone.

:mod:`.table` says what each URL answers, how fast and how big; :mod:`.server` serves exactly that;
the folder ``static`` holds the pages, the styles and the scripts, written by hand.
"""
