/** Runs the registry's statements in PostgreSQL, and asks it for their plans. */
import pg from 'pg';
import type { z } from 'zod';
import { digestOf, openBlobStore, parseAnyDigest } from '../src/blobs/index.ts';
import { createCompanions } from '../src/content/companions.ts';
import { createContent } from '../src/content/content.ts';
import type { RegistryDatabase } from '../src/content/database.ts';
import { createLinks } from '../src/content/links.ts';
import { createListings } from '../src/content/listings.ts';
import { createManifests } from '../src/content/manifests.ts';
import { parseTag } from '../src/content/names.ts';
import { openPostgresRegistry } from '../src/content/postgres/database.ts';
import { defaultRegistryStoreLimits } from '../src/content/registry-store.ts';
import { createSecondNames } from '../src/content/second-names.ts';
import { app, documentOf, layerOf, sweepAll } from '../src/content/store.fixture.ts';
import { forgetNamespace, sweepRegistry } from '../src/content/sweep.ts';

export interface Plan {
  readonly sql: string;
  /** Its nodes, like `Index Scan` and `Sort`, each with the table that it reads. */
  readonly nodes: readonly string[];
}

/** Plans as if the tables were large: PostgreSQL reads a whole table or sorts only if no index helps. */
export async function registryPlans(url: string, dir: string): Promise<readonly Plan[]> {
  const statements = await statementsOf(url, dir);
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('set search_path = registry');
    await client.query('set enable_seqscan = off');
    await client.query('set enable_sort = off');
    await client.query('set enable_incremental_sort = off');
    const plans: Plan[] = [];
    for (const sql of statements) {
      const text = sql.replaceAll(/\?(\d+)/g, '$$$1');
      const { rows } = await client.query(`explain (generic_plan, format json) ${text}`);
      plans.push({ sql, nodes: nodesOf(rows[0]['QUERY PLAN'][0].Plan) });
    }
    return plans;
  } finally {
    await client.end();
  }
}

/** The statements of lists, sweeps and lookups. */
async function statementsOf(url: string, dir: string): Promise<ReadonlySet<string>> {
  const db = await openPostgresRegistry({ url });
  const seen = new Set<string>();
  const watched: RegistryDatabase = {
    ...db,
    all<T>(row: z.ZodType<T>, sql: string, ...values: Parameters<RegistryDatabase['all']>[2][]) {
      seen.add(sql);
      return db.all(row, sql, ...values);
    },
    first<T>(row: z.ZodType<T>, sql: string, ...values: Parameters<RegistryDatabase['first']>[2][]) {
      seen.add(sql);
      return db.first(row, sql, ...values);
    },
    write(namespace, ...steps) {
      for (const { statement } of steps) seen.add(statement.sql);
      return db.write(namespace, ...steps);
    },
  };
  try {
    await useAll(watched, dir);
  } finally {
    await db.close();
  }
  return seen;
}

async function useAll(db: RegistryDatabase, dir: string): Promise<void> {
  const content = createContent(openBlobStore(dir), db);
  const limits = { ...defaultRegistryStoreLimits, graceMs: 0, doomedMs: 0, untaggedMs: 1 };
  const limitsOf = async () => limits;
  const [lists, companions, links] = [createListings(db), createCompanions(db), createLinks(db, limitsOf)];
  const names = createSecondNames(db);
  const manifests = createManifests({ db, content, limitsOf, admitWrite: () => {}, names });
  const page = { after: '', limit: 10 };
  const { document, blobs } = documentOf([layerOf('a')]);
  for (const bytes of blobs) {
    const blob = { digest: digestOf(bytes), size: bytes.length, secondName: undefined };
    await content.put(bytes, blob.digest, () => links.add(app, blob));
    await links.size(app, blob.digest);
    await links.mount(app, blob.digest, undefined);
  }
  const tag = parseTag('v1');
  await manifests.put({ repository: app, document, tags: [tag], admit: async () => {} });
  await manifests.find(app, tag);
  await lists.listTags(app, page);
  await lists.listRepositories(['guest/'], page);
  await lists.listReferrers(app, document.digest, undefined, page);
  await companions.listCompanions(document.digest, [tag], []);
  await companions.listIndexes(document.digest, '.sig');
  await companions.listSubjects('.sig');
  await names.resolve(parseAnyDigest(`sha512:${'0'.repeat(128)}`));
  await manifests.delete(app, tag);
  await manifests.delete(app, document.digest);
  await sweepRegistry({ db, content, limits }, sweepAll);
  await forgetNamespace(db, 'guest', 1);
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly Plans?: readonly PlanNode[];
}

function nodesOf(node: PlanNode): readonly string[] {
  const name = [node['Node Type'], node['Relation Name']].filter((word) => word !== undefined).join(' ');
  return [name, ...(node.Plans ?? []).flatMap(nodesOf)];
}
