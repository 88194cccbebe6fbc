"""The offline provider: sample logos and palettes without accounts, keys or network."""
