"""What starter.py can do, one module for each group of commands; `console` is how they all speak."""
