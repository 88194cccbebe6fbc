"""Rows in a Supabase project's database, objects in its storage, by the service role.

`project` is quick to import. The others import the `supabase` package, which takes a third of a second: only a process
that uses this store should do that.

What must be atomic is a function in the database: docs/adr/0014.
"""
