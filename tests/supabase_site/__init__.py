"""A Supabase project on this machine: real PostgreSQL, and stand-ins for PostgREST and Storage in front of it."""
