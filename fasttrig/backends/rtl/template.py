"""Text files with places to fill."""

from __future__ import annotations


def fill(text: str, words: dict[str, str]) -> str:
    """`text` with every @WORD@ replaced."""
    for word, content in words.items():
        text = text.replace(f"@{word}@", content)
    return text
