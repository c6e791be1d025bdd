"""The paths of the system that Crawlery replaces, for its clients: translations onto the same services."""
