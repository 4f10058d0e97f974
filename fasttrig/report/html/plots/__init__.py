"""Plots of the report: matplotlib with mplhep's style, written as small SVG that follows the page's colours."""
