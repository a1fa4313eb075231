/** Compares the answers that callers got while a disk failed with the database in the end. */
import { existsSync } from 'node:fs';
import { copyFile, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Reply, Ward } from './ward.ts';

export interface Called {
  readonly status: number;
  /** Undefined when the call was refused. */
  readonly id: string | undefined;
  readonly saysLost: boolean;
  readonly fault: string | null;
  readonly retryAfter: number;
}

export class CallLedger {
  readonly calls: Called[] = [];
  readonly #ward: () => Ward;

  constructor(ward: () => Ward) {
    this.#ward = ward;
  }

  /** Calls an action. */
  async call(name: string, body: object, blocking: boolean): Promise<Called> {
    const to = `/api/v1/namespaces/_/actions/${name}?blocking=${blocking}`;
    return this.#note(await this.#ward().request('POST', to, { body }));
  }

  async fire(trigger: string): Promise<Called> {
    return this.#note(
      await this.#ward().request('POST', `/api/v1/namespaces/_/triggers/${trigger}`, { body: {} }),
    );
  }

  #note({ status, headers }: Reply): Called {
    const called = {
      status,
      id: headers.get('x-openwhisk-activation-id') ?? undefined,
      saysLost: headers.get('x-ward-record') === 'lost',
      fault: headers.get('x-ward-fault'),
      retryAfter: Number(headers.get('retry-after') ?? 0),
    };
    this.calls.push(called);
    return called;
  }

  /** Answers that the disk's failure does not explain. */
  unexplained(): readonly Called[] {
    return this.calls.filter(({ status, retryAfter }) => {
      if (status === 503 || status === 507) return retryAfter < 1;
      return status !== 200 && status !== 202;
    });
  }

  /** Ids of calls that were done or accepted but have no record, without a warning in their answer. */
  unrecorded({ records }: Kept): readonly string[] {
    return this.calls.flatMap(({ id, saysLost }) =>
      id === undefined || saysLost || records.includes(id) ? [] : [id],
    );
  }
}

export interface Kept {
  readonly records: readonly string[];
  /** Number in the counter. */
  readonly counted: number;
  readonly accepted: number;
}

/** Reads a database without a writer. Copies it first: SQLite can't open it in another mount namespace. */
export async function keptIn(path: string): Promise<Kept> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'ward-kept-'));
  const copy = join(folder.path, 'ward.db');
  for (const end of ['', '-wal'])
    if (existsSync(`${path}${end}`)) await copyFile(`${path}${end}`, `${copy}${end}`);
  const db = new DatabaseSync(copy);
  try {
    const number = (sql: string) => Number(db.prepare(sql).get()?.['n']);
    return {
      records: db
        .prepare('select activation_id as id from activations')
        .all()
        .map(({ id }) => String(id)),
      counted: number('select sum(total) as n from activation_counts'),
      accepted: number('select count(*) as n from accepted'),
    };
  } finally {
    db.close();
  }
}
