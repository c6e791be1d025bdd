"""Recipes of other systems become recipes of Crawlery, with a report of all that is not the same.

`convert` is the way in. A format has a module of its own; what formats share (their text, their regular expressions and
selectors, the report, the writing) stands beside them. Nothing here reads files or fetches anything.
"""
