/**
 * Activation records and their logs. Appends go through the group writer; a read first flushes the pending writes of its
 * namespace, so that it sees every append made before it.
 */
import type { Kysely } from 'kysely';
import { countMatching, matching, walk } from './activation-walk.ts';
import { parseLines, parseObject, parseValue } from './documents.ts';
import { evictActivations } from './evict.ts';
import { mayPass } from './faults.ts';
import type { GroupWriter } from './group-writer.ts';
import { pruneActivations } from './prune.ts';
import type { ActivationTable, Schema } from './schema.ts';
import type { SqlWords } from './sql-words.ts';
import { writeUnits } from './statements.ts';
import type {
  ActivationFilter,
  ActivationOutcome,
  ActivationRow,
  ActivationStore,
} from './types/activations.ts';

const briefColumns = [
  'activation_id',
  'namespace',
  'name',
  'path',
  'start',
  'end',
  'status_code',
  'document',
] as const;
const recordColumns = [...briefColumns, 'response'] as const;

export function activationStore(db: Kysely<Schema>, writer: GroupWriter, words: SqlWords): ActivationStore {
  const units = writeUnits(db);
  const one = (namespace: string, activationId: string) =>
    db
      .selectFrom('activations')
      .where('activations.activation_id', '=', activationId)
      .where('activations.namespace', '=', namespace);
  const newest = async (filter: ActivationFilter, limit: number): Promise<readonly ActivationOutcome[]> => {
    const rows = await matching(db, words, filter)
      .select(['activation_id', 'start', 'end', 'status_code'])
      .orderBy('start', 'desc')
      .orderBy('activation_id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(({ activation_id: activationId, start, end, status_code: statusCode }) => ({
      ...{ activationId, start, end, statusCode },
    }));
  };
  return {
    append: (write) =>
      writer.submit({
        namespace: write.row.namespace,
        unit: units.append(write),
        urgent: false,
        lasting: true,
        essential: write.settles !== null,
      }),
    addUnrecorded: (call) =>
      writer.submit({
        namespace: call.namespace,
        unit: units.count(call),
        urgent: false,
        lasting: true,
        essential: true,
      }),
    room: () => writer.room(),
    async get(namespace, activationId) {
      await writer.flushNamespace(namespace);
      const row = await one(namespace, activationId).select(recordColumns).executeTakeFirst();
      return row === undefined ? undefined : toRow(row);
    },
    async logs(namespace, activationId) {
      await writer.flushNamespace(namespace);
      const row = await one(namespace, activationId)
        .leftJoin('activation_logs', 'activation_logs.activation_id', 'activations.activation_id')
        .select('activation_logs.lines')
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return row.lines === null ? [] : parseLines(row.lines);
    },
    async input(namespace, activationId) {
      await writer.flushNamespace(namespace);
      const row = await one(namespace, activationId)
        .innerJoin('activation_inputs', 'activation_inputs.activation_id', 'activations.activation_id')
        .select('activation_inputs.input')
        .executeTakeFirst();
      return row === undefined ? undefined : parseValue(row.input);
    },
    async list(query) {
      await writer.flushNamespace(query.namespace);
      const walked = await walk(db, words, query, query.skip);
      if (walked === undefined) return [];
      const page = matching(db, words, query, walked.after)
        .orderBy('start', 'desc')
        .orderBy('activation_id', 'desc')
        .limit(query.limit)
        .offset(walked.rest);
      if (query.brief !== true) return (await page.select(recordColumns).execute()).map(toRow);
      const rows = await page.select(briefColumns).execute();
      return rows.map((row) => toRow({ ...row, response: null }));
    },
    async count(query) {
      await writer.flushNamespace(query.namespace);
      const { namespace, path, since, upto, failed, calls, startKind } = query;
      if ((path ?? since ?? upto ?? startKind) !== undefined || failed === true || calls === true)
        return countMatching(db, words, query);
      const row = await db
        .selectFrom('activation_counts')
        .select('total')
        .where('namespace', '=', namespace)
        .executeTakeFirst();
      return row?.total ?? 0;
    },
    async briefs(namespace, activationIds) {
      await writer.flushNamespace(namespace);
      const rows = await db
        .selectFrom('activations')
        .where('activation_id', 'in', words.listed(activationIds))
        .where('namespace', '=', namespace)
        .select(briefColumns)
        .execute();
      return rows.map((row) => toRow({ ...row, response: null }));
    },
    async newest(filter, limit) {
      await writer.flushNamespace(filter.namespace);
      return newest(filter, limit);
    },
    async *outcomes(namespace, paths, limit) {
      await writer.flushNamespace(namespace);
      for (const path of paths) yield await newest({ namespace, path }, limit);
    },
    async prune(rule) {
      await flushIfPossible(writer, rule.namespace);
      return pruneActivations(db, rule);
    },
    async evict(rule) {
      await flushIfPossible(writer, rule.namespace);
      return evictActivations(db, words, rule);
    },
    flush: () => writer.flush(),
  };
}

function toRow(
  row: Omit<ActivationTable, 'mib_ms' | 'cold' | 'sent_bytes' | 'received_bytes'>,
): ActivationRow {
  const document = parseObject(row.document);
  return {
    activationId: row.activation_id,
    namespace: row.namespace,
    name: row.name,
    path: row.path,
    start: row.start,
    end: row.end,
    statusCode: row.status_code,
    document: row.response === null ? document : { ...document, response: parseValue(row.response) },
  };
}

/** Deletions continue while the disk takes no records. */
async function flushIfPossible(writer: GroupWriter, namespace: string): Promise<void> {
  try {
    await writer.flushNamespace(namespace);
  } catch (error) {
    if (!mayPass(error)) throw error;
  }
}
