"""`python -m crawler.cli`: the `crawlery` command for those who know an interpreter and no PATH."""

from crawler.cli.main import main

main()
