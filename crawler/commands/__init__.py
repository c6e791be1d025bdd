"""Commands of `scrapy` that this project adds or extends. Scrapy finds them through COMMANDS_MODULE."""
