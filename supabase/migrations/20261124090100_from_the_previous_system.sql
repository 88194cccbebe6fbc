-- Copies what the previous system left in tasks_prod, concepts_prod and color_variations_prod (or, where a project has no
-- tables of that suffix, _dev) into the tables of this one. A table that is not there is skipped; without any of them
-- nothing happens. May run again at any time, for what has come in and what has ended there meanwhile.
--
-- Nothing is taken away: the old tables and objects stay until you drop them. Rows are read as JSON, so that a column which
-- a project never had, or has in addition, does not matter. What cannot be a row here (no UUID as its id or its
-- owner) is left where it is and counted in a notice.
--
-- A task that was being processed is copied as failed, at the stage `claim`: its work is lost. Its message may
-- still come, and is worked on then. One that is pending is failed by the worker's reconciliation where its message does
-- not come. Copied rows have no `request`, by which retention knows to leave them alone, and the next copy knows that they
-- are still the previous system's: a row that this one has started, or refused, has a request and is left as it is.
--
-- Each step looks rows up by their ids, so that the time grows with their number.

do $$
declare
    suffix text;
    uuid_form constant text := '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$';
    copied bigint;
    present bigint;
begin
    select candidate into suffix
    from unnest(array['_prod', '_dev']) with ordinality as known (candidate, rank)
    where to_regclass(quote_ident('tasks' || candidate)) is not null
        or to_regclass(quote_ident('concepts' || candidate)) is not null
        or to_regclass(quote_ident('color_variations' || candidate)) is not null
    order by rank
    limit 1;
    if suffix is null then
        return;
    end if;

    if to_regclass(quote_ident('tasks' || suffix)) is not null then
        execute format('select count(*) from %I', 'tasks' || suffix) into present;
        execute format(
            $copy$
            insert into tasks (
                id, user_id, type, status, stage, error_type, error_message, result_id, concept_id,
                metadata, result, created_at, updated_at, finished_at
            )
            select
                id, user_id, type, status,
                case when status = 'failed' and old_status not in ('failed', 'error') then 'claim' end,
                case when status in ('failed', 'cancelled') then 'PreviousSystem' end,
                case
                    when status in ('failed', 'cancelled') then coalesce(
                        nullif(old ->> 'error_message', ''), 'Interrupted: the previous system did not finish it'
                    )
                end,
                result_id, result_id,
                nullif(old -> 'metadata', 'null'),
                nullif(old -> 'result', 'null'),
                created_at, updated_at,
                case when status in ('completed', 'failed', 'cancelled') then updated_at end
            from (
                select
                    old,
                    (old ->> 'id')::uuid as id,
                    (old ->> 'user_id')::uuid as user_id,
                    coalesce(old ->> 'type', 'concept_generation') as type,
                    coalesce(old ->> 'status', '') as old_status,
                    case
                        when old ->> 'status' in ('pending', 'completed', 'failed', 'cancelled') then old ->> 'status'
                        when old ->> 'status' = 'canceled' then 'cancelled'
                        else 'failed'
                    end as status,
                    case when old ->> 'result_id' ~ %2$L then (old ->> 'result_id')::uuid end as result_id,
                    coalesce((old ->> 'created_at')::timestamptz, now()) as created_at,
                    coalesce((old ->> 'updated_at')::timestamptz, (old ->> 'created_at')::timestamptz, now()) as updated_at
                from %1$I as old_row, to_jsonb(old_row) as old
                where old ->> 'id' ~ %2$L and old ->> 'user_id' ~ %2$L
            ) as read
            on conflict (id) do update
            set status = excluded.status,
                stage = excluded.stage,
                error_type = excluded.error_type,
                error_message = excluded.error_message,
                result_id = excluded.result_id,
                concept_id = excluded.concept_id,
                metadata = excluded.metadata,
                result = excluded.result
            where tasks.request is null
                -- What was failed here because its message did not come is not pending again.
                and not (tasks.status = 'failed' and excluded.status = 'pending')
                and (
                    tasks.status, tasks.error_type, tasks.error_message, tasks.result_id, tasks.metadata, tasks.result
                ) is distinct from (
                    excluded.status, excluded.error_type, excluded.error_message, excluded.result_id, excluded.metadata,
                    excluded.result
                )
            $copy$,
            'tasks' || suffix, uuid_form
        );
        get diagnostics copied = row_count;
        raise notice 'tasks%: % rows, % copied or changed now', suffix, present, copied;
        analyze tasks;
    end if;

    if to_regclass(quote_ident('concepts' || suffix)) is not null then
        execute format('select count(*) from %I', 'concepts' || suffix) into present;
        execute format(
            $copy$
            insert into concepts (
                id, task_id, user_id, is_anonymous, logo_description, theme_description,
                image_path, image_url, created_at
            )
            select
                id,
                -- Its task, unless that row already has, or two tasks claim, this concept.
                (
                    select case when count(*) = 1 then (array_agg(tasks.id))[1] end
                    from tasks
                    where tasks.result_id = read.id
                        and not exists (select from concepts where concepts.task_id = tasks.id)
                ),
                (old ->> 'user_id')::uuid,
                coalesce((old ->> 'is_anonymous')::boolean, true),
                coalesce(old ->> 'logo_description', ''),
                coalesce(old ->> 'theme_description', ''),
                coalesce(old ->> 'image_path', ''),
                old ->> 'image_url',
                coalesce((old ->> 'created_at')::timestamptz, now())
            from (
                select old, (old ->> 'id')::uuid as id
                from %1$I as old_row, to_jsonb(old_row) as old
                where old ->> 'id' ~ %2$L and old ->> 'user_id' ~ %2$L
            ) as read
            -- Its task may have ended only after the last copy.
            on conflict (id) do update set task_id = excluded.task_id
            where concepts.image is null and concepts.task_id is null and excluded.task_id is not null
            $copy$,
            'concepts' || suffix, uuid_form
        );
        get diagnostics copied = row_count;
        raise notice 'concepts%: % rows, % copied or changed now', suffix, present, copied;
        analyze concepts;
    end if;

    if to_regclass(quote_ident('color_variations' || suffix)) is not null then
        execute format('select count(*) from %I', 'color_variations' || suffix) into present;
        execute format(
            $copy$
            with read as materialized (
                select
                    old,
                    (old ->> 'id')::uuid as id,
                    (old ->> 'concept_id')::uuid as concept_id,
                    coalesce((old ->> 'created_at')::timestamptz, now()) as created_at
                from %1$I as old_row, to_jsonb(old_row) as old
                where old ->> 'id' ~ %2$L and old ->> 'concept_id' ~ %2$L
            ),
            lacking as (
                select read.*
                from read
                -- Not those of a concept that was not copied, nor of one that this system made.
                join concepts on concepts.id = read.concept_id and concepts.image is null
                where not exists (select from color_variations where color_variations.id = read.id)
            ),
            -- After those that were copied before, whose numbers stay.
            numbered as (
                select concept_id, max(index) as last
                from color_variations
                where concept_id in (select concept_id from lacking)
                group by concept_id
            )
            insert into color_variations (
                id, concept_id, index, palette_name, colors, description, image_path, image_url, created_at
            )
            select
                id,
                concept_id,
                coalesce(last, 0) + row_number() over (
                    partition by concept_id order by (old ->> 'created_at')::timestamptz, old ->> 'id'
                ),
                coalesce(old ->> 'palette_name', ''),
                coalesce(nullif(old -> 'colors', 'null'), '[]'),
                coalesce(old ->> 'description', ''),
                coalesce(old ->> 'image_path', ''),
                old ->> 'image_url',
                created_at
            from lacking left join numbered using (concept_id)
            on conflict do nothing
            $copy$,
            'color_variations' || suffix, uuid_form
        );
        get diagnostics copied = row_count;
        raise notice 'color_variations%: % rows, % copied or changed now', suffix, present, copied;
        analyze color_variations;
    end if;
end $$;
