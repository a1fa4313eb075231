/** The gate's tables in PostgreSQL, in a schema of their own. A released migration is never edited. */
import type { PostgresMigrations } from '../../../store/index.ts';

export const schema = 'gate';

const tables = `
  create table gate.reports (
    digest text primary key, kind text not null, name text not null, scanned_at text not null,
    head text not null, inventory bytea not null, findings bytea not null);
  create table gate.verdicts (
    digest text not null, stage text not null, namespace text not null, judged_at text not null,
    outcome text not null, verdict text not null, primary key (digest, stage, namespace));
  create table gate.revisions (kind text primary key, revisions text not null);
  create table gate.audit (seq bigint primary key, entry text not null, hash text not null);
  create table gate.checkpoints (seq bigint primary key, checkpoint text not null);
  create function gate.refuse_change() returns trigger language plpgsql as $$ begin
    raise exception 'append only';
  end $$;
  create trigger audit_append_only before update or delete or truncate on gate.audit
    for each statement execute function gate.refuse_change();
`;

/** Its one row exists from the beginning: a row that does not exist can't be locked. */
const auditHead = `
  create table gate.audit_head (one integer primary key check (one = 1), seq bigint not null, hash text not null);
  insert into gate.audit_head values (1, 0, repeat('0', 64));
  create trigger audit_head_stays before delete or truncate on gate.audit_head
    for each statement execute function gate.refuse_change();
`;

/** Reads the form that Ward writes: an entry that was tampered with must not keep the database from opening. */
const auditIndex = `
  create table gate.audit_index (seq bigint primary key, at bigint not null, namespace text not null, id text unique);
  insert into gate.audit_index select seq,
    coalesce((extract(epoch from substring(entry from '"time":"(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d[.\\d]*Z)"')::timestamptz) * 1000)::bigint, 0),
    coalesce(substring(entry from '"namespace":"([^"]*)"'), ''), null from gate.audit;
  create index audit_of_namespace on gate.audit_index (namespace, seq);
`;

/** The oldest entries can leave, up to the one that this row names. */
const auditCut = `
  create table gate.audit_cut (one integer primary key check (one = 1), seq bigint not null, hash text not null);
  create function gate.refuse_removal() returns trigger language plpgsql as $$ begin
    if old.seq > coalesce((select seq from gate.audit_cut), 0) then raise exception 'append only'; end if;
    return old;
  end $$;
  drop trigger audit_append_only on gate.audit;
  create trigger audit_append_only before update or truncate on gate.audit
    for each statement execute function gate.refuse_change();
  create trigger audit_keeps_rest before delete on gate.audit
    for each row execute function gate.refuse_removal();
`;

const waivers = 'create table gate.waivers (id text primary key, waiver text not null);';

/** The oldest Ward that can use the tables. */
const minReader = `
  create table gate.min_reader (one integer primary key check (one = 1), migration text not null);
  insert into gate.min_reader values (1, '0005-min-reader');
`;

/** Tells other servers of a change of what they judge by. The gate's schema can be alone in a database. */
const sharedFiles = `
  create table gate.shared_files (
    name text primary key, revision bigint not null, digest text not null, bytes bytea not null);
  create function gate.note_change() returns trigger language plpgsql as $$ begin
    if to_regclass('public.changes') is not null then
      insert into public.changes (kind, namespace, path) values ('gate', '', tg_table_name);
    end if;
    return null;
  end $$;
  create trigger shared_files_noted after insert or update or delete on gate.shared_files
    for each row execute function gate.note_change();
  create trigger waivers_noted after insert or update or delete on gate.waivers
    for each row execute function gate.note_change();
`;

export const migrations: PostgresMigrations = {
  '0001-schema': { statements: `${tables}${auditHead}` },
  '0002-audit-index': { statements: auditIndex },
  '0003-audit-cut': { statements: auditCut },
  '0004-waivers': { statements: waivers },
  '0005-min-reader': { statements: minReader },
  '0006-shared-files': { statements: sharedFiles },
};
