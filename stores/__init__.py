"""Rows and objects behind one port: `stores.port.Store`."""
