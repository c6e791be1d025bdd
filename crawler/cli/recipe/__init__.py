"""`crawlery recipe ...`: one file a command, none of which loads Scrapy."""
