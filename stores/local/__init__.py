"""A store for laptops and tests: SQLite for rows, a folder for objects, safe under several processes."""

from stores.local.store import LocalStore

__all__ = ["LocalStore"]
