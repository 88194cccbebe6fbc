-- Reconciliation: rows that say something about a task although nobody works on it any more.
--
-- Applied like the first file: in one transaction, twice without harm.

-- A claim that finds itself changes nothing but says that somebody is there: whoever saw the row before must not settle it.
create or replace trigger tasks_touched
before update on tasks
for each row when (old is distinct from new or new.status = 'processing')
execute function touch_task();

create or replace function open_tasks(
    p_before timestamptz,
    p_limit integer,
    p_after timestamptz default '-infinity',
    p_after_id uuid default '00000000-0000-0000-0000-000000000000'
) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- In pages: each begins after the last row of the one before. Rows of the previous system have no request.
    select coalesce(jsonb_agg(to_jsonb(t) order by t.updated_at, t.id), '[]')
    from (
        select id, user_id, status, workflow_id, request, updated_at
        from tasks
        where status in ('pending', 'processing') and request is not null
            and updated_at < p_before and (updated_at, id) > (p_after, p_after_id)
        order by updated_at, id
        limit p_limit
    ) as t
$$;

create or replace function unfulfilled_tasks(
    p_before timestamptz,
    p_limit integer,
    p_after timestamptz default '-infinity',
    p_after_id uuid default '00000000-0000-0000-0000-000000000000'
) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    select coalesce(jsonb_agg(to_jsonb(t) order by t.updated_at, t.id), '[]')
    from (
        select id, user_id, status, workflow_id, request, updated_at
        from tasks
        where status in ('failed', 'cancelled') and request is not null
            and updated_at < p_before and (updated_at, id) > (p_after, p_after_id)
        order by updated_at, id
        limit p_limit
    ) as t
$$;

create or replace function settle_task(
    p_task_id uuid,
    p_seen_status text,
    p_seen_workflow_id text,
    p_seen_at timestamptz,
    p_status text,
    p_stage text,
    p_error_type text,
    p_error_message text
) returns boolean
language plpgsql
security invoker
set search_path from current
as $$
-- End a task that nobody works on, if its row is still as it was seen; whether it was.
begin
    if p_status not in ('failed', 'cancelled') then
        raise exception 'a task is not settled as %', p_status;
    end if;
    update tasks
    set status = p_status, stage = p_stage, error_type = p_error_type, error_message = p_error_message
    where id = p_task_id
        and status = p_seen_status
        and status in ('pending', 'processing')
        and workflow_id is not distinct from p_seen_workflow_id
        and updated_at = p_seen_at;
    return found;
end
$$;

create or replace function concept_store_setup() returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- What `starter.py store check` looks at. `version` grows with every migration that the worker depends on.
    select jsonb_build_object(
        'version', 2,
        'role', current_user,
        'unprotected_tables', (
            select coalesce(jsonb_agg(relname order by relname), '[]')
            from pg_class
            where oid in ('tasks'::regclass, 'concepts'::regclass, 'color_variations'::regclass)
                and not relrowsecurity
        ),
        'writable_tables', (
            select coalesce(jsonb_agg(distinct relation order by relation), '[]')
            from unnest(array['tasks', 'concepts', 'color_variations']) as relation,
                unnest(array['anon', 'authenticated']) as someone,
                unnest(array['insert', 'update', 'delete', 'truncate']) as verb
            where has_table_privilege(someone, relation::regclass, verb)
        ),
        'open_functions', (
            select coalesce(jsonb_agg(distinct proname order by proname), '[]')
            from pg_proc, unnest(array['anon', 'authenticated']) as someone
            where pronamespace = (select relnamespace from pg_class where oid = 'tasks'::regclass)
                and proname in (
                    'claim_task', 'store_concept', 'fail_task', 'read_concept', 'expired_tasks', 'remove_tasks',
                    'abandoned_folders', 'open_tasks', 'unfulfilled_tasks', 'settle_task', 'concept_store_setup'
                )
                and has_function_privilege(someone, pg_proc.oid, 'execute')
        ),
        'table_policies', (
            select coalesce(jsonb_agg(tablename order by tablename), '[]')
            from pg_policies
            where schemaname = (
                    select nspname from pg_namespace join pg_class on relnamespace = pg_namespace.oid
                    where pg_class.oid = 'tasks'::regclass
                )
                and tablename in ('tasks', 'concepts', 'color_variations') and cmd = 'SELECT'
                and policyname like 'owners read their %'
        ),
        'object_policies', (
            select coalesce(jsonb_agg(qual), '[]')
            from pg_policies
            where schemaname = 'storage' and tablename = 'objects' and policyname = 'owners read their concept images'
        ),
        'announces_tasks', exists (
            select from pg_publication_rel join pg_publication on prpubid = pg_publication.oid
            where pubname = 'supabase_realtime' and prrelid = 'tasks'::regclass
        )
    )
$$;

do $$
declare
    ours record;
begin
    for ours in
        select pg_proc.oid::regprocedure as signature
        from pg_proc
        where pronamespace = current_schema()::regnamespace
            and proname in ('open_tasks', 'unfulfilled_tasks', 'settle_task', 'concept_store_setup')
    loop
        execute format('revoke all on function %s from public, anon, authenticated', ours.signature);
        execute format('grant execute on function %s to service_role', ours.signature);
    end loop;
end $$;

notify pgrst, 'reload schema';
