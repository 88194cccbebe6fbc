-- Copies what the previous system left in tasks_prod, concepts_prod and color_variations_prod (or, where a project has no
-- tables of that suffix, _dev) into the tables of this one. A table that is not there is skipped; without any of them
-- nothing happens. May run again at any time, for what has come in and what has ended there meanwhile.
--
-- Nothing is taken away: the old tables and objects stay until you drop them. Rows are read as JSON, so that a column which
-- a project never had, or has in addition, does not matter. What cannot be a row here (no UUID as its id or its
-- owner) is left where it is and counted in a notice.
--
-- A task that was being processed can never be finished, because nobody remembers its work: it is copied as failed.
-- Copied rows have no `request`, by which retention knows to leave them alone, and the next copy knows that they are still
-- the previous system's: whatever this one has taken up, or refused, has a request and is left as it is.

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
                id, user_id, type, status, error_type, error_message, result_id, concept_id,
                metadata, result, created_at, updated_at
            )
            select
                (old ->> 'id')::uuid,
                (old ->> 'user_id')::uuid,
                coalesce(old ->> 'type', 'concept_generation'),
                case
                    when old ->> 'status' in ('pending', 'completed', 'failed', 'cancelled') then old ->> 'status'
                    when old ->> 'status' = 'canceled' then 'cancelled'
                    else 'failed'
                end,
                case when coalesce(old ->> 'status', '') not in ('pending', 'completed') then 'PreviousSystem' end,
                case
                    when coalesce(old ->> 'status', '') in ('pending', 'completed') then null
                    else left(
                        coalesce(nullif(old ->> 'error_message', ''), 'Interrupted: the previous system did not finish it'),
                        1000
                    )
                end,
                case when old ->> 'result_id' ~ %2$L then (old ->> 'result_id')::uuid end,
                case when old ->> 'result_id' ~ %2$L then (old ->> 'result_id')::uuid end,
                nullif(old -> 'metadata', 'null'),
                nullif(old -> 'result', 'null'),
                coalesce((old ->> 'created_at')::timestamptz, now()),
                coalesce((old ->> 'updated_at')::timestamptz, (old ->> 'created_at')::timestamptz, now())
            from %1$I as old_row, to_jsonb(old_row) as old
            where old ->> 'id' ~ %2$L and old ->> 'user_id' ~ %2$L
            on conflict (id) do update
            set status = excluded.status,
                error_type = excluded.error_type,
                error_message = excluded.error_message,
                result_id = excluded.result_id,
                concept_id = excluded.concept_id,
                metadata = excluded.metadata,
                result = excluded.result
            where tasks.request is null
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
                (old ->> 'id')::uuid,
                -- Its task, unless that row already has, or two tasks claim, this concept.
                (
                    select case when count(*) = 1 then (array_agg(tasks.id))[1] end
                    from tasks
                    where tasks.result_id = (old ->> 'id')::uuid
                        and not exists (select from concepts where concepts.task_id = tasks.id)
                ),
                (old ->> 'user_id')::uuid,
                coalesce((old ->> 'is_anonymous')::boolean, true),
                coalesce(old ->> 'logo_description', ''),
                coalesce(old ->> 'theme_description', ''),
                coalesce(old ->> 'image_path', ''),
                old ->> 'image_url',
                coalesce((old ->> 'created_at')::timestamptz, now())
            from %1$I as old_row, to_jsonb(old_row) as old
            where old ->> 'id' ~ %2$L and old ->> 'user_id' ~ %2$L
            -- Its task may have ended only after the last copy.
            on conflict (id) do update set task_id = excluded.task_id
            where concepts.image is null and concepts.task_id is null and excluded.task_id is not null
            $copy$,
            'concepts' || suffix, uuid_form
        );
        get diagnostics copied = row_count;
        raise notice 'concepts%: % rows, % copied or changed now', suffix, present, copied;
    end if;

    if to_regclass(quote_ident('color_variations' || suffix)) is not null then
        execute format('select count(*) from %I', 'color_variations' || suffix) into present;
        execute format(
            $copy$
            insert into color_variations (
                id, concept_id, index, palette_name, colors, description, image_path, image_url, created_at
            )
            select
                (old ->> 'id')::uuid,
                (old ->> 'concept_id')::uuid,
                -- After those that were copied before, whose numbers stay.
                (
                    select coalesce(max(index), 0)
                    from color_variations
                    where color_variations.concept_id::text = lower(old ->> 'concept_id')
                ) + row_number() over (
                    partition by old ->> 'concept_id' order by (old ->> 'created_at')::timestamptz, old ->> 'id'
                ),
                coalesce(old ->> 'palette_name', ''),
                case when jsonb_typeof(old -> 'colors') = 'array' then old -> 'colors' else '[]' end,
                coalesce(old ->> 'description', ''),
                coalesce(old ->> 'image_path', ''),
                old ->> 'image_url',
                coalesce((old ->> 'created_at')::timestamptz, now())
            from %1$I as old_row, to_jsonb(old_row) as old
            where old ->> 'id' ~ %2$L
                -- Not those of a concept that was not copied, nor of one that this system made.
                and exists (
                    select from concepts where concepts.id::text = lower(old ->> 'concept_id') and concepts.image is null
                )
                and not exists (select from color_variations where color_variations.id::text = lower(old ->> 'id'))
            on conflict do nothing
            $copy$,
            'color_variations' || suffix, uuid_form
        );
        get diagnostics copied = row_count;
        raise notice 'color_variations%: % rows, % copied or changed now', suffix, present, copied;
    end if;
end $$;
