"""One module per command: typed options in, a call of the library, tables or JSON out. ``cli.py`` registers them."""
