"""A shop made for crawlers: the site of `make demo`, of the tests, and of whoever learns to write recipes.

    assortment, catalogue, model     what is sold: the same on every machine, with the rows a correct recipe gives
    layout, pages, product_page      the HTML, in three languages and four ways to declare an encoding
    feeds, traps                     API, sitemaps, robots.txt; pages under /traps/ that a crawler must survive
    shop                             which page lies where, cookie wall, redirects and faults
    httpd, static, server            the HTTP server, folders of saved pages, running both

It stands on the standard library and `crawler.errors` alone.
"""
