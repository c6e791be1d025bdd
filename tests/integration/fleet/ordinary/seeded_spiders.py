"""Spiders whose URLs come from the store."""
