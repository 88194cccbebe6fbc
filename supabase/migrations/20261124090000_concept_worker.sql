-- Tasks, concepts and their variations, who may read them, and the steps that must be atomic.
--
-- Runs in one transaction (`supabase db push`, `psql -1`), in the first schema of the search path (`public` unless you say
-- otherwise), twice without harm, on PostgreSQL 15 or newer that has Supabase's roles (anon, authenticated, service_role) and its schemas `auth` and `storage`.
-- Of Supabase's own functions only auth.uid() and storage.foldername() are used.

create table if not exists tasks (
    id uuid primary key,
    user_id uuid not null,
    type text not null default 'concept_generation',
    status text not null default 'pending'
        check (status in ('pending', 'processing', 'completed', 'failed', 'cancelled')),
    stage text check (stage in ('claim', 'image', 'upload', 'palettes', 'variations', 'store')),
    error_type text,
    error_message text,
    result_id uuid,
    concept_id uuid,
    workflow_id text,
    request jsonb check (jsonb_typeof(request) = 'object'),
    metadata jsonb,
    result jsonb,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table tasks add column if not exists started_at timestamptz;
alter table tasks add column if not exists finished_at timestamptz;
alter table tasks drop constraint if exists tasks_error_message_check;
alter table tasks add constraint tasks_error_message_check
    check (char_length(error_message) <= 1000 or coalesce(error_type, '') = 'PreviousSystem');
comment on column tasks.started_at is 'When it was claimed, the last time that it had been pending.';
comment on column tasks.finished_at is 'When it ended. Null in a task that has not.';
comment on column tasks.request is 'The task message. Null in rows of the previous system, which retention leaves alone, and until a worker claims the task.';
comment on column tasks.concept_id is 'Derived from the id by the worker: known before there is a concept.';
comment on column tasks.result_id is 'The concept, once there is one.';
comment on column tasks.workflow_id is 'Who has claimed the task.';

create table if not exists concepts (
    id uuid primary key,
    task_id uuid unique references tasks (id) on delete cascade,
    user_id uuid not null,
    is_anonymous boolean not null default true,
    logo_description text not null,
    theme_description text not null,
    image_path text not null,
    image_url text,
    image jsonb check (jsonb_typeof(image) = 'object'),
    provenance jsonb check (jsonb_typeof(provenance) = 'object'),
    failed_variations jsonb not null default '[]' check (jsonb_typeof(failed_variations) = 'array'),
    created_at timestamptz not null default now()
);
alter table concepts add column if not exists refined_from uuid;
alter table concepts add column if not exists varied_from uuid;
alter table concepts add column if not exists image_url_expires_at timestamptz;
comment on column concepts.refined_from is 'The concept whose base was changed into this one''s; it may be gone.';
comment on column concepts.varied_from is 'The concept whose base this one has; it may be gone.';
comment on column concepts.image is 'Bucket, path, sha256, bytes, width, height, media_type. Null in rows of the previous system.';
comment on column concepts.image_url is 'Of the previous system, or a signed link of the worker where it is told to write such.';
comment on column concepts.image_url_expires_at is 'Of a link that the worker wrote and renews; null for any other.';

create table if not exists color_variations (
    id uuid primary key default gen_random_uuid(),
    concept_id uuid not null references concepts (id) on delete cascade,
    index integer not null check (index >= 1),
    palette_name text not null,
    colors jsonb not null,
    description text not null default '',
    image_path text not null,
    image_url text,
    image jsonb check (jsonb_typeof(image) = 'object'),
    created_at timestamptz not null default now(),
    unique (concept_id, index)
);

alter table color_variations add column if not exists ground text;
alter table color_variations add column if not exists shown jsonb;
alter table color_variations add column if not exists image_url_expires_at timestamptz;
alter table color_variations drop constraint if exists color_variations_colors_check;
alter table color_variations add constraint color_variations_colors_check
    check (jsonb_typeof(colors) = 'array' or image is null);
comment on column color_variations.ground is 'The ground that the palette asked for, as #rrggbb.';
comment on column color_variations.shown is 'What the picture has: its colors and its ground. Null in variations from before it was kept.';

-- What the web application lists, what retention looks for, what a sweep of orphans asks.
create index if not exists tasks_of_user on tasks (user_id, created_at desc);
create index if not exists tasks_ended on tasks (updated_at)
    where status in ('completed', 'failed', 'cancelled') and request is not null;
create index if not exists tasks_open on tasks (updated_at) where status in ('pending', 'processing');
create index if not exists tasks_by_concept on tasks (concept_id);
create index if not exists tasks_by_result on tasks (result_id) where result_id is not null;
create index if not exists tasks_newest on tasks (created_at desc, id desc);
create index if not exists tasks_by_status on tasks (status, created_at desc, id desc);
create index if not exists concepts_links on concepts (image_url_expires_at) where image_url_expires_at is not null;
create index if not exists color_variations_links on color_variations (image_url_expires_at)
    where image_url_expires_at is not null;
create index if not exists concepts_of_user on concepts (user_id, created_at desc);

create or replace function touch_task() returns trigger
language plpgsql
set search_path from current
as $$
begin
    -- Not now(), which is when the transaction began: it may have waited for another one since.
    new.updated_at := clock_timestamp();
    if new.status is distinct from old.status then
        new.started_at := case new.status when 'processing' then new.updated_at when 'pending' then null else new.started_at end;
        new.finished_at := case when new.status in ('completed', 'failed', 'cancelled') then new.updated_at end;
    end if;
    return new;
end
$$;

-- A claim by the same workflow changes only the moment of the last change: a caller that read the row before must not settle it.
create or replace trigger tasks_touched
before update on tasks
for each row when (old is distinct from new or new.status = 'processing')
execute function touch_task();

create or replace function spell_cancelled() returns trigger
language plpgsql
set search_path from current
as $$
begin
    new.status := 'cancelled';
    return new;
end
$$;

-- The previous system's spelling, which its back end goes on writing. Before `tasks_touched`: the order is that of the names.
create or replace trigger tasks_spelled
before insert or update on tasks
for each row when (new.status = 'canceled')
execute function spell_cancelled();

-- Who may read. Only the worker writes: its role bypasses row-level security.

alter table tasks enable row level security;
alter table concepts enable row level security;
alter table color_variations enable row level security;

revoke all on tasks, concepts, color_variations from public, anon, authenticated;
grant select on tasks, concepts, color_variations to authenticated;
grant all on tasks, concepts, color_variations to service_role;
do $$ begin
    execute format('grant usage on schema %I to authenticated, service_role', current_schema());
end $$;

drop policy if exists "owners read their tasks" on tasks;
create policy "owners read their tasks" on tasks
    for select to authenticated using (user_id = (select auth.uid()));

drop policy if exists "owners read their concepts" on concepts;
create policy "owners read their concepts" on concepts
    for select to authenticated using (user_id = (select auth.uid()));

drop policy if exists "owners read their variations" on color_variations;
create policy "owners read their variations" on color_variations
    for select to authenticated using (
        -- Planned once, and not for each row: the user's own concepts are few, the variations of all users are millions.
        concept_id = any (array(select id from concepts where user_id = (select auth.uid())))
    );

-- What must happen completely or not at all, and may happen twice. Each function takes the row's lock first.

create or replace function claim_task(
    p_task_id uuid,
    p_user_id uuid,
    p_type text,
    p_request jsonb,
    p_concept_id uuid,
    p_workflow_id text,
    p_replacing text default null
) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Record the task if it is not recorded, and claim it unless it has ended or another workflow has it; the row as it is then.
-- p_replacing names a workflow known to be gone. A task that was given up before any message of it came is taken all the
-- same; one that had failed in the previous system by itself (its row has no stage) has its outcome.
declare
    found_row tasks;
begin
    insert into tasks (id, user_id, type, request, concept_id)
    values (p_task_id, p_user_id, p_type, p_request, p_concept_id)
    on conflict (id) do nothing;

    update tasks
    set status = 'processing',
        workflow_id = p_workflow_id,
        -- What is worked on, even if the row had something that no worker can read.
        request = case when status = 'pending' then p_request else coalesce(request, p_request) end,
        concept_id = p_concept_id,
        stage = null,
        error_type = null,
        error_message = null
    where id = p_task_id
        and (
            status = 'pending'
            or (status = 'failed' and request is null and not (stage is null and coalesce(error_type, '') = 'PreviousSystem'))
            or (status = 'processing' and coalesce(workflow_id in (p_workflow_id, p_replacing), workflow_id is null))
        )
    returning * into found_row;

    if found_row.id is null then
        select * into found_row from tasks where id = p_task_id;
    end if;
    return to_jsonb(found_row);
end
$$;

create or replace function insert_variations(p_concept_id uuid, p_variations jsonb) returns void
language sql
security invoker
set search_path from current
as $$
    -- A part of other functions.
    insert into color_variations (
        concept_id, index, palette_name, colors, description, image_path, image, ground, shown,
        image_url, image_url_expires_at
    )
    select
        p_concept_id,
        (variation ->> 'index')::integer,
        variation ->> 'name',
        variation -> 'colors',
        variation ->> 'description',
        variation #>> '{image,path}',
        variation -> 'image',
        variation ->> 'ground',
        nullif(variation -> 'shown', 'null'),
        variation ->> 'image_url',
        (variation ->> 'image_url_expires_at')::timestamptz
    from jsonb_array_elements(p_variations) as variation
$$;

create or replace function store_concept(p_concept jsonb, p_workflow_id text) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Write the concept, its variations and `completed`; the row as it is then, or null where there is no such task.
-- Does nothing to a task that p_workflow_id is not processing.
declare
    found_row tasks;
begin
    select * into found_row from tasks where id = (p_concept ->> 'task_id')::uuid for update;
    if found_row.id is null then
        return null;
    end if;
    if found_row.status <> 'processing' or found_row.workflow_id is distinct from p_workflow_id then
        return to_jsonb(found_row);
    end if;

    insert into concepts (
        id, task_id, user_id, is_anonymous, logo_description, theme_description,
        image_path, image, provenance, failed_variations, refined_from, varied_from, image_url, image_url_expires_at
    )
    values (
        (p_concept ->> 'concept_id')::uuid,
        found_row.id,
        found_row.user_id,
        (p_concept ->> 'is_anonymous')::boolean,
        p_concept ->> 'logo_description',
        p_concept ->> 'theme_description',
        p_concept #>> '{image,path}',
        p_concept -> 'image',
        p_concept -> 'provenance',
        p_concept -> 'failed_variations',
        (p_concept ->> 'refined_from')::uuid,
        (p_concept ->> 'varied_from')::uuid,
        p_concept ->> 'image_url',
        (p_concept ->> 'image_url_expires_at')::timestamptz
    );
    perform insert_variations((p_concept ->> 'concept_id')::uuid, p_concept -> 'variations');

    update tasks
    set status = 'completed', result_id = (p_concept ->> 'concept_id')::uuid
    where id = found_row.id
    returning * into found_row;
    return to_jsonb(found_row);
end
$$;

create or replace function fail_task(
    p_task_id uuid,
    p_user_id uuid,
    p_type text,
    p_request jsonb,
    p_concept_id uuid,
    p_workflow_id text,
    p_status text,
    p_stage text,
    p_error_type text,
    p_error_message text
) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Record that the task ended without a concept, and the task itself if it is not recorded; the row as it is then.
-- Does nothing to a task that has ended or that another workflow is processing.
declare
    found_row tasks;
begin
    if p_status not in ('failed', 'cancelled') then
        raise exception 'a task does not fail as %', p_status;
    end if;
    insert into tasks (id, user_id, type, request, concept_id)
    values (p_task_id, p_user_id, p_type, p_request, p_concept_id)
    on conflict (id) do nothing;

    update tasks
    set status = p_status,
        workflow_id = p_workflow_id,
        stage = p_stage,
        error_type = p_error_type,
        error_message = p_error_message,
        request = coalesce(request, p_request),
        concept_id = p_concept_id
    where id = p_task_id
        and (
            status = 'pending'
            or (status = 'processing' and (workflow_id is null or workflow_id = p_workflow_id))
        )
    returning * into found_row;

    if found_row.id is null then
        select * into found_row from tasks where id = p_task_id;
    end if;
    return to_jsonb(found_row);
end
$$;

create or replace function reopen_task(p_task_id uuid, p_as_of timestamptz) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Make a task that failed or was cancelled, and that has not changed since p_as_of, pending again; the row as it is
-- then, or null. A claim follows.
declare
    found_row tasks;
begin
    update tasks
    set status = 'pending', workflow_id = null, stage = null, error_type = null, error_message = null
    where id = p_task_id and status in ('failed', 'cancelled') and updated_at = p_as_of and request is not null;

    select * into found_row from tasks where id = p_task_id;
    return case when found_row.id is null then null else to_jsonb(found_row) end;
end
$$;

create or replace function read_concept(p_concept_id uuid) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- One statement, so that the concept and its variations are of one moment. By the names of the worker's contract.
    select to_jsonb(c) || jsonb_build_object(
        'concept_id', c.id,
        'variations', coalesce(
            (
                select jsonb_agg(to_jsonb(v) || jsonb_build_object('name', v.palette_name) order by v.index)
                from color_variations as v
                where v.concept_id = c.id
            ),
            '[]'
        )
    )
    from concepts as c
    where c.id = p_concept_id
$$;

create or replace function add_variations(p_concept_id uuid, p_variations jsonb, p_failed jsonb) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Variations that a stored concept lacked, and which ones it still lacks; the concept as it is then, or null.
declare
    found_task uuid;
begin
    select tasks.id into found_task
    from tasks join concepts on concepts.task_id = tasks.id
    where concepts.id = p_concept_id
    for update of tasks;
    if found_task is null then
        return null;
    end if;
    perform insert_variations(p_concept_id, jsonb_agg(variation))
    from jsonb_array_elements(p_variations) as variation
    where not exists (
        select from color_variations
        where concept_id = p_concept_id and index = (variation ->> 'index')::integer
    );
    update concepts set failed_variations = p_failed where id = p_concept_id;
    update tasks set updated_at = clock_timestamp() where id = found_task;
    return read_concept(p_concept_id);
end
$$;

-- Retention. Rows of the previous system (without a request) are left alone: the names of their objects cannot be derived.

create or replace function expired_tasks(p_before timestamptz, p_limit integer) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    select coalesce(jsonb_agg(to_jsonb(t)), '[]')
    from (
        select id as task_id, user_id
        from tasks
        where status in ('completed', 'failed', 'cancelled') and request is not null and updated_at < p_before
        order by updated_at, id
        limit p_limit
    ) as t
$$;

create or replace function remove_tasks(p_task_ids uuid[], p_before timestamptz) returns jsonb
language plpgsql
security invoker
set search_path from current
as $$
-- Their concepts and variations go with them. One that was reopened meanwhile stays.
-- The ids that have no row now.
begin
    delete from tasks
    where id = any (p_task_ids) and status in ('completed', 'failed', 'cancelled') and updated_at < p_before;
    return (
        select coalesce(jsonb_agg(id), '[]')
        from unnest(p_task_ids) as id
        where not exists (select from tasks where tasks.id = id.id)
    );
end
$$;

-- Looked at everything at once before, and took no place to begin after.
drop function if exists abandoned_folders(text[], timestamptz, timestamptz, integer);
create or replace function abandoned_folders(
    p_buckets text[],
    p_before timestamptz,
    p_paid_before timestamptz,
    p_limit integer,
    p_after_bucket text default '',
    p_after_name text default '',
    p_objects integer default 5000
) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- A page: of the next p_objects objects in the order of their names, the folders that are abandoned, at most p_limit,
    -- and where the next page begins; null after the last. Only names that this worker gives are looked at: whatever else
    -- lies in the buckets is not ours to judge.
    with page as (
        select bucket_id as bucket, name
        from storage.objects
        where bucket_id = any (p_buckets) and (bucket_id, name) > (p_after_bucket, p_after_name)
        order by bucket_id, name
        limit p_objects
    ),
    folders as (
        select
            bucket,
            (storage.foldername(name))[1] as first,
            (storage.foldername(name))[2] as second,
            max(name) as last
        from page
        where name ~ ('^paid/(batch-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.'
                || '|^[^/]+/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/'
                || '(base\.png|variation-[0-9]+-[a-z0-9-]+\.png|candidates/[0-9]+\.png)$')
        group by 1, 2, 3
    ),
    abandoned as (
        select bucket, first || '/' || second as path, last
        from folders
        where case
            when first = 'paid' then not exists (select from tasks where tasks.id = replace(second, 'batch-', '')::uuid)
            else
                not exists (select from concepts where concepts.id = second::uuid)
                and not exists (
                    select from tasks
                    where tasks.concept_id = second::uuid and tasks.status in ('pending', 'processing')
                )
            end
            -- Byte by byte, for which Storage has an index (text_pattern_ops): `0` follows `/`. A value, and no join.
            and (
                select coalesce(max(newer.created_at), '-infinity')
                from storage.objects as newer
                where newer.bucket_id = folders.bucket
                    and newer.name ~>=~ (first || '/' || second || '/') and newer.name ~<~ (first || '/' || second || '0')
            ) < case when first = 'paid' then p_paid_before else p_before end
        order by bucket, last
        limit p_limit
    ),
    reached as (
        -- Where there may be more than p_limit, the page ends with the last folder that was taken.
        (select bucket, last as name from abandoned where (select count(*) from abandoned) = p_limit)
        union all
        (select bucket, name from page
        where (select count(*) from abandoned) < p_limit and (select count(*) from page) = p_objects)
        order by 1 desc, 2 desc
        limit 1
    )
    select jsonb_build_object(
        'folders',
        (select coalesce(jsonb_agg(jsonb_build_object('bucket', bucket, 'path', path)), '[]') from abandoned),
        'next',
        (select jsonb_build_object('bucket', bucket, 'path', name) from reached)
    )
$$;

-- Links in rows, for readers that use `image_url` as it is.

create or replace function expiring_links(p_before timestamptz, p_limit integer) returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- Of the links that the worker wrote, those that end before p_before: whose they are, and the object.
    select coalesce(jsonb_agg(to_jsonb(l)), '[]')
    from (
        (select id, image ->> 'bucket' as bucket, image ->> 'path' as path, image_url_expires_at as expires_at
        from concepts where image_url_expires_at < p_before order by image_url_expires_at limit p_limit)
        union all
        (select id, image ->> 'bucket', image ->> 'path', image_url_expires_at
        from color_variations where image_url_expires_at < p_before order by image_url_expires_at limit p_limit)
        order by expires_at
        limit p_limit
    ) as l
$$;

create or replace function renew_links(p_links jsonb) returns integer
language sql
security invoker
set search_path from current
as $$
    -- Write links anew: [{id, url, expires_at}], both null where the object is gone; how many. Only where the worker wrote
    -- one before. No task is touched.
    with links as (
        select (link ->> 'id')::uuid as id, link ->> 'url' as url, (link ->> 'expires_at')::timestamptz as expires_at
        from jsonb_array_elements(p_links) as link
    ),
    in_concepts as (
        update concepts set image_url = links.url, image_url_expires_at = links.expires_at
        from links where concepts.id = links.id and concepts.image_url_expires_at is not null
        returning 1
    ),
    in_variations as (
        update color_variations set image_url = links.url, image_url_expires_at = links.expires_at
        from links where color_variations.id = links.id and color_variations.image_url_expires_at is not null
        returning 1
    )
    select ((select count(*) from in_concepts) + (select count(*) from in_variations))::integer
$$;

-- Reconciliation: open rows of tasks that no workflow works on any more.

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
    -- In pages: each begins after the last row of the one before.
    select coalesce(jsonb_agg(to_jsonb(t) order by t.updated_at, t.id), '[]')
    from (
        select id, user_id, status, workflow_id, request, updated_at
        from tasks
        where status in ('pending', 'processing')
            and updated_at < p_before and (updated_at, id) > (p_after, p_after_id)
            -- The previous system records a task before it publishes the message, and takes no other while that is open.
            and (request is not null or updated_at < now() - interval '30 minutes')
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

-- Did not take the concept's id before.
drop function if exists settle_task(uuid, text, text, timestamptz, text, text, text, text);
create or replace function settle_task(
    p_task_id uuid,
    p_seen_status text,
    p_seen_workflow_id text,
    p_seen_at timestamptz,
    p_concept_id uuid,
    p_status text,
    p_stage text,
    p_error_type text,
    p_error_message text
) returns boolean
language plpgsql
security invoker
set search_path from current
as $$
-- End a task that no workflow works on, if its row is still as it was read; whether it was.
begin
    if p_status not in ('failed', 'cancelled') then
        raise exception 'a task is not settled as %', p_status;
    end if;
    update tasks
    set status = p_status,
        stage = p_stage,
        error_type = p_error_type,
        error_message = p_error_message,
        concept_id = p_concept_id
    where id = p_task_id
        and status = p_seen_status
        and status in ('pending', 'processing')
        and workflow_id is not distinct from p_seen_workflow_id
        and updated_at = p_seen_at;
    return found;
end
$$;

create or replace function list_tasks(
    p_status text, p_user_id uuid, p_limit integer, p_after timestamptz default null, p_after_id uuid default null
) returns jsonb
language plpgsql
stable
security invoker
set search_path from current
-- Which index serves depends on what is asked for.
set plan_cache_mode = force_custom_plan
as $$
-- The newest first, in pages: each begins after the last row of the one before.
begin
    return (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.created_at desc, t.id desc), '[]')
        from (
            select *
            from tasks
            where (p_status is null or status = p_status)
                and (p_user_id is null or user_id = p_user_id)
                and (p_after is null or (created_at, id) < (p_after, p_after_id))
            order by created_at desc, id desc
            limit p_limit
        ) as t
    );
end
$$;

create or replace function concept_store_functions() returns text[]
language sql
immutable
set search_path from current
as $$
    -- What the worker alone may call.
    select array[
        'touch_task', 'spell_cancelled', 'claim_task', 'insert_variations', 'store_concept', 'fail_task', 'reopen_task',
        'read_concept', 'add_variations', 'expired_tasks', 'remove_tasks', 'abandoned_folders', 'expiring_links',
        'renew_links', 'open_tasks', 'unfulfilled_tasks', 'settle_task', 'list_tasks', 'concept_store_functions',
        'concept_store_setup'
    ]
$$;

create or replace function concept_store_setup() returns jsonb
language sql
stable
security invoker
set search_path from current
as $$
    -- What `starter.py store check` looks at. `version` grows with every migration that the worker depends on.
    select jsonb_build_object(
        'version', 5,
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
                and proname = any (concept_store_functions())
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
            select coalesce(
                jsonb_agg(jsonb_build_object(
                    'name', policyname,
                    'command', cmd,
                    'roles', to_jsonb(roles::text[]),
                    'condition', concat_ws(' and ', qual, with_check)
                ) order by policyname),
                '[]'
            )
            from pg_policies
            where schemaname = 'storage' and tablename = 'objects' and permissive = 'PERMISSIVE'
        ),
        'announces_tasks', exists (
            select from pg_publication_rel join pg_publication on prpubid = pg_publication.oid
            where pubname = 'supabase_realtime' and prrelid = 'tasks'::regclass
        )
    )
$$;

-- Supabase lets every role execute new functions by default; these are the worker's alone.
do $$
declare
    ours record;
begin
    for ours in
        select pg_proc.oid::regprocedure as signature
        from pg_proc
        where pronamespace = current_schema()::regnamespace
            and proname = any (concept_store_functions())
    loop
        execute format('revoke all on function %s from public, anon, authenticated', ours.signature);
        execute format('grant execute on function %s to service_role', ours.signature);
    end loop;
end $$;

-- Pictures: private, readable by the owner whose id is the first folder. What was paid for lies under `paid/`, which is
-- no user's id. There is no policy for writing: only the worker does.
-- What was paid for is stored as it came, whatever it is, so `concept-images` takes any type.

insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types)
values
    -- Of any type: what was paid for is kept as it came.
    ('concept-images', 'concept-images', false, 26214400, null),
    ('palette-images', 'palette-images', false, 26214400, array['image/png'])
on conflict (id) do update
set public = false,
    file_size_limit = excluded.file_size_limit,
    allowed_mime_types = excluded.allowed_mime_types;

-- The previous system's buckets have the same names, and policies by which users write. Those that name these buckets and
-- no others are taken away; `starter.py store check` tells of the rest.
do $$
declare
    theirs record;
begin
    for theirs in
        select policyname
        from pg_policies
        cross join lateral (
            select array_agg(bucket) as buckets
            from (
                select (regexp_matches(concat_ws(' ', qual, with_check), '''([^'']*)''', 'g'))[1] as bucket
            ) as literals
            where bucket in (select id from storage.buckets)
        ) as named
        where schemaname = 'storage' and tablename = 'objects' and permissive = 'PERMISSIVE'
            and cmd in ('INSERT', 'UPDATE', 'DELETE', 'ALL')
            and concat_ws(' ', qual, with_check) like '%bucket_id%'
            and roles && array['public', 'anon', 'authenticated']::name[]
            and named.buckets <@ array['concept-images', 'palette-images']
    loop
        execute format('drop policy %I on storage.objects', theirs.policyname);
        raise notice 'dropped the policy % on storage.objects: it let users write in the worker''s buckets', theirs.policyname;
    end loop;
end $$;

drop policy if exists "owners read their concept images" on storage.objects;
create policy "owners read their concept images" on storage.objects
    for select to authenticated using (
        bucket_id in ('concept-images', 'palette-images')
        and (storage.foldername(name))[1] = (select auth.uid())::text
    );

-- Lets the web application hear of changes instead of asking for them; row-level security applies to what it hears.
do $$ begin
    if exists (select from pg_publication where pubname = 'supabase_realtime' and not puballtables)
        and not exists (
            select from pg_publication_rel join pg_publication on prpubid = pg_publication.oid
            where pubname = 'supabase_realtime' and prrelid = 'tasks'::regclass
        )
    then
        alter publication supabase_realtime add table tasks;
    end if;
end $$;

notify pgrst, 'reload schema';
