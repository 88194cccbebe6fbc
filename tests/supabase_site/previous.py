"""A project as the previous system left it: its tables and rows, its buckets and its policies."""

from __future__ import annotations

import uuid

from tests.supabase_site.project import OWNER

TASK, CONCEPT, LOST, BROKEN = (str(uuid.UUID(int=number)) for number in range(1, 5))

PREVIOUS = f"""
    create table tasks{{0}} (
        id uuid primary key default gen_random_uuid(), user_id uuid, type text, status text, result_id uuid,
        error_message text, metadata jsonb, result jsonb, created_at timestamptz, updated_at timestamptz
    );
    create table concepts{{0}} (
        id uuid primary key, user_id uuid, logo_description text, theme_description text, image_path text,
        image_url text, is_anonymous boolean, created_at timestamptz
    );
    create table color_variations{{0}} (
        id uuid primary key default gen_random_uuid(), concept_id uuid, palette_name text, colors jsonb,
        description text, image_path text, image_url text, created_at timestamptz
    );
    insert into tasks{{0}} values
        ('{TASK}', '{OWNER}', 'concept_generation', 'completed', '{CONCEPT}', null, '{{{{"a": 1}}}}', null,
            '2025-01-01', '2025-01-02'),
        ('{LOST}', '{OWNER}', 'concept_generation', 'processing', null, null, null, null, '2025-01-03', null),
        ('{BROKEN}', '{OWNER}', 'concept_refinement', 'failed', null, repeat('x', 3000), null, null, null, null),
        (gen_random_uuid(), null, null, 'pending', null, null, null, null, null, null);
    insert into concepts{{0}} values
        ('{CONCEPT}', '{OWNER}', 'a fox', 'warm', '{OWNER}/x1.png', 'https://old.example/x1', false, '2025-01-02');
    insert into color_variations{{0}} (concept_id, palette_name, colors, description, image_path, created_at) values
        ('{CONCEPT}', 'second', '["#000000", "#FFFFFF"]', 'b', '{OWNER}/x3.png', '2025-01-02 02:00'),
        ('{CONCEPT}', 'first', '["#FF0000"]', null, '{OWNER}/x2.png', '2025-01-02 01:00'),
        (gen_random_uuid(), 'without an owner', '[]', null, 'y', '2025-01-02');
"""  # noqa: S608 -- ours

BUCKETS_AND_POLICIES = f"""
    insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) values
        ('concept-images', 'concept-images', true, 51200, '{{image/jpeg}}'),
        ('palette-images', 'palette-images', true, null, null);
    insert into storage.objects (bucket_id, name, version) values
        ('concept-images', '{OWNER}/x1.png', '1'), ('palette-images', '{OWNER}/x2.png', '2');
    create policy "Users can upload concept images" on storage.objects for insert to authenticated
        with check (bucket_id = 'concept-images' and (storage.foldername(name))[1] = auth.uid()::text);
    create policy "Users can update their images" on storage.objects for update to authenticated
        using (bucket_id in ('concept-images', 'palette-images') and auth.uid()::text = (storage.foldername(name))[1]);
    create policy "Allow all for palette images" on storage.objects for all
        using (bucket_id = 'palette-images') with check (bucket_id = 'palette-images');
    create policy "Avatars" on storage.objects for insert to authenticated with check (bucket_id = 'avatars');
"""  # noqa: S608 -- ours
