"""Recipes of clients: what they have pushed, and what came of checking it. See `store`."""
