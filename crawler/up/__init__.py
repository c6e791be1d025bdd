"""The whole platform on one machine: servers, stewards and nodes as child processes under one supervisor.

`spec` says what a child is, `child` runs one, `supervisor` all of them; none of the three knows what they are for.
`servers` and `workers` are the table of the platform's children, `folder` and `ports` what is kept over a restart, and
`platform` puts it together. Nothing here loads Scrapy: children do.
"""
