/**
 * The bytes that each namespace holds, updated in the transactions that change it: nothing is ever summed up while
 * calls run. A row counts as its texts plus a kibibyte for its keys and indexes; code counts once per namespace, as
 * at least a block of the file system. For records, batches add at their end and a trigger subtracts, as for their
 * number.
 */
import { type Kysely, sql } from 'kysely';

/** Tables whose rows stay until a client deletes them. */
const tables = ['entities', 'feeds', 'deliveries', 'apis'] as const;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table holdings (
      namespace text not null primary key references namespaces (name) on delete cascade,
      entity_bytes integer not null, code_bytes integer not null)
  `.execute(db);
  await sql`create table code_blobs (digest text not null primary key, bytes integer not null)`.execute(db);
  await sql`
    create index entities_by_own_code on entities (namespace, code_digest) where code_digest is not null
  `.execute(db);
  await countEntities(db);
  for (const table of tables) await holdRows(db, table);
  await holdCode(db);
  await countRecords(db);
}

async function countEntities(db: Kysely<unknown>): Promise<void> {
  const sums = tables.map(
    (table) => sql`ifnull((select sum(octet_length(document) + 1024) from ${sql.table(table)}
      where namespace = name), 0)`,
  );
  await sql`insert into holdings select name, ${sql.join(sums, sql` + `)}, 0 from namespaces`.execute(db);
  await sql`
    create trigger namespaces_begin_holdings after insert on namespaces
    begin insert into holdings (namespace, entity_bytes, code_bytes) values (new.name, 0, 0); end
  `.execute(db);
}

async function holdRows(db: Kysely<unknown>, table: (typeof tables)[number]): Promise<void> {
  const on = sql.table(table);
  await sql`
    create trigger ${sql.id(`${table}_held`)} after insert on ${on} begin
      update holdings set entity_bytes = entity_bytes + octet_length(new.document) + 1024
        where namespace = new.namespace;
    end
  `.execute(db);
  await sql`
    create trigger ${sql.id(`${table}_resized`)} after update of document on ${on}
    when octet_length(new.document) <> octet_length(old.document) begin
      update holdings set entity_bytes = entity_bytes + octet_length(new.document) - octet_length(old.document)
        where namespace = new.namespace;
    end
  `.execute(db);
  await sql`
    create trigger ${sql.id(`${table}_dropped`)} after delete on ${on} begin
      update holdings set entity_bytes = entity_bytes - octet_length(old.document) - 1024
        where namespace = old.namespace;
    end
  `.execute(db);
}

/** Sizes of existing blobs are reported at the next start: they are not in the database. */
async function holdCode(db: Kysely<unknown>): Promise<void> {
  const take = sql`
      update holdings set code_bytes = code_bytes
          + ifnull((select max(bytes, 4096) from code_blobs where digest = new.code_digest), 0)
        where namespace = new.namespace and new.code_digest is not null and not exists (
          select 1 from entities
            where namespace = new.namespace and code_digest = new.code_digest and path <> new.path);`;
  const leave = sql`
      update holdings set code_bytes = code_bytes
          - ifnull((select max(bytes, 4096) from code_blobs where digest = old.code_digest), 0)
        where namespace = old.namespace and not exists (
          select 1 from entities where namespace = old.namespace and code_digest = old.code_digest);
      delete from code_blobs where digest = old.code_digest and not exists (
        select 1 from entities where code_digest = old.code_digest);`;
  await sql`
    create trigger entities_take_code after insert on entities when new.code_digest is not null
    begin ${take} end
  `.execute(db);
  await sql`
    create trigger entities_leave_code after delete on entities when old.code_digest is not null
    begin ${leave} end
  `.execute(db);
  await sql`
    create trigger entities_change_code after update of code_digest on entities
    when old.code_digest is not new.code_digest begin ${take} ${leave} end
  `.execute(db);
  await sql`
    create trigger code_blobs_known after insert on code_blobs begin
      update holdings set code_bytes = code_bytes + max(new.bytes, 4096)
        where namespace in (select namespace from entities where code_digest = new.digest);
    end
  `.execute(db);
}

async function countRecords(db: Kysely<unknown>): Promise<void> {
  // octet_length does not read the further pages of a long value.
  const bytes = sql`1024 + octet_length(document) + ifnull(octet_length(response), 0)
    + ifnull((select octet_length(lines) from activation_logs as logs where logs.activation_id = one.activation_id), 0)
    + ifnull((select octet_length(input) from activation_inputs as inputs where inputs.activation_id = one.activation_id), 0)`;
  await sql`alter table activation_counts add column bytes integer not null default 0`.execute(db);
  await sql`
    update activation_counts set bytes = ifnull((
      select sum(${bytes}) from activations as one where one.namespace = activation_counts.namespace), 0)
  `.execute(db);
  await sql`drop trigger activations_count_down`.execute(db);
  // `before`, because logs and inputs are deleted with the record.
  await sql`
    create trigger activations_count_down before delete on activations begin
      update activation_counts
        set total = total - 1, last_deleted_start = max(ifnull(last_deleted_start, 0), old.start),
          bytes = bytes - (select ${bytes} from activations as one where one.activation_id = old.activation_id)
        where namespace = old.namespace;
    end
  `.execute(db);
}
