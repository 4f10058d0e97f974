"""Designs as pictures and tables in HTML and SVG: for the report page and for Jupyter. Nothing here measures."""
