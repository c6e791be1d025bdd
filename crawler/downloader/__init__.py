"""The downloader: everything that leaves the process passes the door of its host."""
