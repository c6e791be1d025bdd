"""Who has changed what: entries that are sealed in order, so that whoever writes to the store cannot rewrite them."""
