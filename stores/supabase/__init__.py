"""Rows in a Supabase project's database, objects in its storage, by the service role.

`project` is quick to import. The others import the `supabase` package, which takes a third of a second: only a process
that uses this store should do that.
"""
