"""The short way of a recipe's page from the scheduler to its rows, past Scrapy's engine and by its rules.

Scrapy's engine takes a page through some thirty coroutines, tasks and signals, each of which may do something for
somebody. Of a page that is answered with status 200, and asked for by a recipe, it is known beforehand what most of
them do: nothing. Here one coroutine takes many such pages, one after the other, and calls what does something: the
same middlewares, pipeline, signals and log lines, with the same effect. Whatever is not usual goes the engine's way.
"""
