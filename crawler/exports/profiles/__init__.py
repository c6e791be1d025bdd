"""Files as importers of shops want them: what a profile makes of the rows of an item.

`product` reads a row as a product with its options and variations; one module for each kind of file says which columns
it has and which lines a product gives. Which fields a contract must have for that is `crawler.recipe.profiles`.
"""
