"""Recipes of strangers tried on pages, in a process of their own: previews of one page, differences of two versions."""
