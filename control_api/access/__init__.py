"""Clients and API keys over HTTP, for administrators; and what a key is told of itself."""
