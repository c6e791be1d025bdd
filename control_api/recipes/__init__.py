"""The calls on recipes."""
