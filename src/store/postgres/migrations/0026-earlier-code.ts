/** The code that the last change of an action's code replaced, and how it counts: as in SQLite's migration 38. */
import { type Kysely, sql } from 'kysely';
import { createEarlierCode, namedCode } from '../../earlier-code-table.ts';

/** See `createEarlierCode`. */
export const isExpandOnly = true;

export async function up(db: Kysely<unknown>): Promise<void> {
  await createEarlierCode(db);
  await sql.raw(held).execute(db);
}

/** Only triggers call these functions, so an older Ward uses the new ones, too. */
const held = `
  create function take_named_code(its_namespace text, its_path text, its_place text, its_digest text)
  returns void language plpgsql as $$ begin
    perform 1 from holdings where namespace = its_namespace for update;
    update holdings set code_bytes = code_bytes
        + coalesce((select greatest(bytes, 4096) from code_blobs where digest = its_digest), 0)
      where namespace = its_namespace and not exists (
        select 1 from ${namedCode} as n where n.namespace = its_namespace and n.digest = its_digest
          and (n.path <> its_path or n.place <> its_place));
  end $$;
  create or replace function leave_code(its_namespace text, digest text) returns void language plpgsql as $$ begin
    perform 1 from holdings where namespace = its_namespace for update;
    update holdings set code_bytes = code_bytes
        - coalesce((select greatest(bytes, 4096) from code_blobs as b where b.digest = leave_code.digest), 0)
      where namespace = its_namespace and not exists (
        select 1 from ${namedCode} as n where n.namespace = its_namespace and n.digest = leave_code.digest);
    delete from code_blobs as b where b.digest = leave_code.digest and not exists (
      select 1 from ${namedCode} as n where n.digest = leave_code.digest);
  end $$;
  create or replace function hold_code() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' and old.code_digest is not distinct from new.code_digest then return null; end if;
    if tg_op <> 'DELETE' and new.code_digest is not null then
      perform take_named_code(new.namespace, new.path, 'now', new.code_digest);
      delete from earlier_code as e
        where e.namespace = new.namespace and e.path = new.path and e.digest = new.code_digest;
    end if;
    if tg_op <> 'INSERT' and old.code_digest is not null then
      perform leave_code(old.namespace, old.code_digest);
    end if;
    return null;
  end $$;
  drop function take_code(text, text, text);
  create function hold_earlier_code() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' and old.digest = new.digest then return null; end if;
    if tg_op <> 'DELETE' then perform take_named_code(new.namespace, new.path, 'earlier', new.digest); end if;
    if tg_op <> 'INSERT' then perform leave_code(old.namespace, old.digest); end if;
    return null;
  end $$;
  create trigger earlier_code_held after insert or update of digest or delete on earlier_code
    for each row execute function hold_earlier_code();
  create or replace function know_code() returns trigger language plpgsql as $$ begin
    update holdings set code_bytes = code_bytes + greatest(new.bytes, 4096)
      where namespace in (select n.namespace from ${namedCode} as n where n.digest = new.digest);
    return null;
  end $$;
`;
