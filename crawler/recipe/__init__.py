"""The recipe language: YAML in, checked plan, rows out.

Pure: it needs (bytes, url) and nothing else, so it imports no Scrapy, no Twisted, no Redis and opens no socket. The
Scrapy side, the command line and the control API all call the same functions: `loader.load_recipe` for a file,
`extract.extract_page` for a page.
"""
