-- The roles of a Supabase project. PostgREST logs in as `authenticator` and becomes one of the others.

create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;
