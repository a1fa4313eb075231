/** The gate's store over any database. It packs large values before it writes them, and checks them when it reads them. */
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import { type Digest, digestOf, isDigest } from '../../blobs/index.ts';
import type { Report } from '../../scanner/index.ts';
import { gateFault } from '../faults.ts';
import type { Verdict } from '../judge/verdict.ts';
import type { Stage } from '../policy/rules-schema.ts';
import { parseWaiver, type Waiver } from '../policy/waivers.ts';
import type { Revisions } from '../revisions.ts';
import type { SigningKey } from '../trust/keys.ts';
import { type AuditCheck, type AuditCheckOptions, verifyAudit } from './audit-check.ts';
import { type AuditEntry, parseEntry } from './audit-entry.ts';
import { type AuditFound, type AuditQuery, searchAudit } from './audit-search.ts';
import { type Checkpoint, signCheckpoint } from './checkpoint.ts';
import { type Database, Line } from './line.ts';
import type {
  AuditPage,
  AuditRetention,
  GateStore,
  GateWrite,
  Judged,
  JudgedQuery,
  PackedFindings,
  RefusedPush,
  SharedFile,
  StoredReport,
  Subject,
} from './types.ts';

export class PackedGateStore implements GateStore {
  readonly #line: Line;

  constructor(database: Database) {
    this.#line = new Line(database);
  }

  async packFindings(report: Report, digest: Digest): Promise<PackedFindings> {
    const { inventory: _inventory, findings, suppressed, ...head } = report;
    const bytes = await pack({ findings, suppressed });
    return { digest, scannedAt: report.scannedAt, head: JSON.stringify(head), bytes };
  }

  async putReport({ kind, digest }: Subject, report: Report): Promise<void> {
    const { head, bytes: findings, scannedAt } = await this.packFindings(report, digest);
    const inventory = await pack(report.inventory);
    const { name } = report.target;
    await this.#line.ask('putReport', { digest, kind, name, scannedAt, head, inventory, findings });
  }

  async report(digest: Digest): Promise<StoredReport | undefined> {
    const row = await this.#line.ask('report', digest);
    if (row === undefined) return undefined;
    const [inventory, findings] = await Promise.all([unpack(row.inventory), unpack(row.findings)]);
    const report: Report = Object.assign({}, JSON.parse(row.head), { inventory }, findings);
    return { subject: { kind: kindOf(row.kind), digest }, report };
  }

  async subjects(after: Digest | undefined, limit: number): Promise<readonly Subject[]> {
    const rows = await this.#line.ask('subjects', after ?? '', limit);
    return rows.flatMap(({ digest, kind }) => (isDigest(digest) ? [{ kind: kindOf(kind), digest }] : []));
  }

  countReports(): Promise<number> {
    return this.#line.ask('countReports');
  }

  write(write: GateWrite): Promise<void> {
    return this.#line.ask('write', write);
  }

  async verdict(digest: Digest, stage: Stage, namespace: string): Promise<Verdict | undefined> {
    const text = await this.#line.ask('verdict', digest, stage, namespace);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async verdicts(digest: Digest): Promise<readonly Verdict[]> {
    const texts = await this.#line.ask('verdicts', digest);
    return texts.map((text): Verdict => JSON.parse(text));
  }

  async judged(query: JudgedQuery): Promise<readonly Judged[]> {
    const rows = await this.#line.ask('judged', query);
    return rows.map(({ digest, kind, name, verdict }) => ({
      ...{ digest, verdict: JSON.parse(verdict), name: name ?? undefined },
      kind: kind === null ? undefined : kindOf(kind),
    }));
  }

  async revisions(kind: 'noted' | 'judged'): Promise<Revisions | undefined> {
    const text = await this.#line.ask('revisions', kind);
    return text === undefined ? undefined : JSON.parse(text);
  }

  async waivers(): Promise<readonly Waiver[]> {
    const texts = await this.#line.ask('waivers');
    return texts.flatMap(parseWaiver).toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
  }

  async sharedFile(name: string, known?: SharedFile): Promise<SharedFile | undefined> {
    const row = await this.#line.ask('sharedFile', name, known?.digest ?? '');
    if (row === undefined) return undefined;
    const { revision, bytes } = row;
    if (bytes === null) return known && { ...known, revision };
    const digest = digestOf(bytes);
    if (digest === row.digest) return { name, revision, digest, bytes };
    throw gateFault('GATE_STORE_CORRUPT', `the shared file ${name} has other bytes than its digest says`, {
      hint: 'delete its row in shared_files and share it again with ward policy set or ward vex set (nodes share advisories again by themselves), or restore the database from a backup',
    });
  }

  async refused(after: Digest | undefined, limit: number): Promise<readonly RefusedPush[]> {
    const rows = await this.#line.ask('refused', after ?? '', limit);
    return rows.flatMap(({ digest, namespaces, ...times }) =>
      isDigest(digest) ? [{ digest, namespaces: JSON.parse(namespaces), ...times }] : [],
    );
  }

  forget({ digest, since, judgedAt }: RefusedPush): Promise<void> {
    return this.#line.ask('forget', { digest, since, judgedAt });
  }

  async audit({ after = 0, limit = 100 }: AuditPage = {}): Promise<readonly AuditEntry[]> {
    const rows = await this.#line.ask('entries', after, limit);
    return rows.flatMap(({ text, hash }) => {
      const record = parseEntry(text);
      return record === undefined ? [] : [{ ...record, hash }];
    });
  }

  searchAudit(query: AuditQuery): Promise<AuditFound> {
    return searchAudit((asked) => this.#line.ask('findEntries', asked), query);
  }

  verifyAudit(options: AuditCheckOptions = {}): Promise<AuditCheck> {
    return verifyAudit(
      {
        head: () => this.#line.ask('head'),
        cut: () => this.#line.ask('cut'),
        checkpoints: () => this.#line.ask('checkpoints'),
        entries: (after, limit) => this.#line.ask('entries', after, limit),
        strays: (first, last, limit) => this.#line.ask('strays', first, last, limit),
      },
      options,
    );
  }

  async cutAudit({ entries, since }: AuditRetention): Promise<number> {
    const [head, cut, firstKept] = await Promise.all([
      this.#line.ask('head'),
      this.#line.ask('cut'),
      this.#line.ask('firstSince', since),
    ]);
    const before = cut?.seq ?? 0;
    // The entry of the cut counts too.
    const surplus = head.seq - before > entries ? head.seq + 1 - entries : 0;
    const wanted = Math.max(surplus, (firstKept ?? head.seq) - 1);
    const upTo = Math.min(wanted, before + mostCutAtOnce, head.seq - 1);
    if (upTo <= before) return 0;
    const [row] = await this.#line.ask('entries', upTo - 1, 1);
    if (row?.seq !== upTo) return 0;
    await this.#line.ask('cutAudit', { seq: upTo, hash: row.hash }, new Date().toISOString());
    return upTo - before;
  }

  async checkpoint(key: SigningKey, time = new Date().toISOString()): Promise<Checkpoint | undefined> {
    const { seq, hash } = await this.#line.ask('head');
    if (seq === 0) return undefined;
    // Entries that come in between do no harm: those up to this one stay as they are.
    const checkpoint = signCheckpoint({ seq, hash, time }, key);
    await this.#line.ask('putCheckpoint', { seq, checkpoint: JSON.stringify(checkpoint) });
    return checkpoint;
  }

  close(): Promise<void> {
    return this.#line.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function orderOf({ createdAt, id }: Waiver): string {
  return `${createdAt} ${id}`;
}

function kindOf(value: string): Subject['kind'] {
  return value === 'code' || value === 'artifact' ? value : 'image';
}

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);
/** Other writes wait for a cut. */
const mostCutAtOnce = 10_000;
const mostUnpackedBytes = 512 * 1024 * 1024;

/** Node compresses in a thread of its own. */
function pack(value: object): Promise<Buffer> {
  return compress(JSON.stringify(value));
}

async function unpack(bytes: Uint8Array): Promise<unknown> {
  const text = await decompress(bytes, { maxOutputLength: mostUnpackedBytes });
  return JSON.parse(text.toString('utf8'));
}
