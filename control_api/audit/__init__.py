"""The calls on the audit."""
