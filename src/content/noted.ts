/** Entries of the audit log for pushes and deletions, as steps of their transactions. */
import { z } from 'zod';
import { newId } from '../lib/index.ts';
import { type BatchStep, type NotedChange, type UnsealedEntries, unsealedEntry } from '../store/index.ts';
import { type RegistryDatabase, step } from './database.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';

const unsealedRow = z.object({ seq: z.number(), id: z.string(), entry: z.string() });

export function unsealedIn(db: RegistryDatabase): Pick<UnsealedEntries, 'read' | 'drop'> {
  return {
    async read(limit) {
      const sql = 'select seq, id, entry from unsealed_entries order by seq limit ?1';
      const rows = await db.all(unsealedRow, sql, limit);
      return rows.map(({ seq, id, entry }) => ({ seq, id, entry: JSON.parse(entry) }));
    },
    async drop(entries) {
      const texts = JSON.stringify(entries.map(({ seq }) => String(seq)));
      const sql = `delete from unsealed_entries where cast(seq as text) in ${db.words.listed('?1')}`;
      if (entries.length > 0) await db.write(undefined, step(sql, texts));
    },
  };
}

/** @param reference `:latest` or `@sha256:…` */
export function noteStep(
  repository: RepositoryName,
  reference: string,
  change: Pick<NotedChange, 'what' | 'before' | 'after'>,
): BatchStep {
  const { id, entry } = entryOf(repository, reference, change);
  return step('insert into unsealed_entries (id, entry) values (?1, ?2)', id, entry);
}

/** The same for a tag; put it before the step that moves the tag. Where the tag pointed before is read by the database. */
export function noteTagStep(
  repository: RepositoryName,
  tag: string,
  change: Pick<NotedChange, 'what' | 'after'>,
): BatchStep {
  // Nothing that a client sends can be equal to it.
  const mark = newId();
  const { id, entry } = entryOf(repository, `:${tag}`, { ...change, before: mark });
  return step(
    `insert into unsealed_entries (id, entry) values (?1, replace(?2, ?3,
       coalesce((select digest from tags where repository = ?4 and tag = ?5), '')))`,
    ...[id, entry, mark, repository, tag],
  );
}

function entryOf(repository: RepositoryName, reference: string, change: Omit<NotedChange, 'name'>) {
  const namespace = namespaceOfRepository(repository);
  return unsealedEntry({ ...change, name: `${repository}${reference}`, namespace });
}
