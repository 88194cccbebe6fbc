"""Rows and objects behind two ports: `TaskStore` and `ObjectStore` in `stores.ports`."""
