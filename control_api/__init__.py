"""The control API: Flask, from request to answer. Importing it loads nothing but this file, and never Scrapy."""
