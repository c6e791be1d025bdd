"""Jobs over HTTP: submitted, listed, looked at, paused, cancelled; their failures and their files."""
