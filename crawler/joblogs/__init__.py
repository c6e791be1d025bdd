"""Logs of workers as objects beside the files of their job: written while a worker runs, read from their end."""
