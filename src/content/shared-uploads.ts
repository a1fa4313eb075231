/**
 * Uploads that any server can continue. The database has the state of an upload, and each chunk is a blob of its own in
 * the store that all servers share. So what was acknowledged outlives a server, and a chunk that a dead server has not
 * acknowledged is sent again. A blob that came in one chunk, as most clients send it, is complete with it; of several
 * chunks, the last request makes one blob.
 *
 * The newest request has the turn, on whatever server it is: what an older one has received since counts for nothing.
 */
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { type Digest, isDigest, type SecondName, wrongDigest } from '../blobs/index.ts';
import { isFault, newId } from '../lib/index.ts';
import { type RegistryDatabase, step } from './database.ts';
import { registryStoreFault } from './faults.ts';
import { namespaceOfRepository, type RepositoryName } from './names.ts';
import { noRoom, smallestBytes } from './room.ts';
import { secondNameOf } from './second-names.ts';
import type { ExpectedChunk, Upload } from './types.ts';
import {
  outOfOrder,
  takenOver,
  type UploadOptions,
  type Uploads,
  uploadsExhausted,
  uploadUnknown,
  wrongSize,
} from './uploads.ts';
import { stride } from './walk.ts';

interface SharedUploadOptions extends UploadOptions {
  readonly db: RegistryDatabase;
}

/** A request that is sending bytes to this server. */
interface Running {
  readonly id: string;
  readonly namespace: string;
  readonly source: Readable;
  /** Bytes that it has announced or sent. */
  bytes: number;
}

const mostParts = 10_000;

const stateRow = z.object({ size: z.number(), parts: z.number() });
const turnRow = z.object({ turn: z.string() });
const partRow = z.object({ digest: z.string().refine(isDigest), size: z.number() });
const sumRow = z.object({ bytes: z.number() });
const expiredRow = z.object({ id: z.string(), namespace: z.string() });

export function createSharedUploads(options: SharedUploadOptions): Uploads {
  const { db, limits } = options;
  const running = new Set<Running>();
  const oldest = async () => (await db.now()) - limits.uploadIdleMs;
  return {
    async start(repository) {
      const id = newId();
      const namespace = namespaceOfRepository(repository);
      const at = await db.now();
      const most = limits.uploadsPerNamespace;
      const sql = `insert into uploads (id, repository, namespace, size, turn, created_at, touched_at)
        select cast(?1 as text), cast(?2 as text), cast(?3 as text), 0, '', cast(?4 as bigint), cast(?4 as bigint)
          where (select count(*) from uploads where namespace = ?3 and touched_at >= ?5) < ?6`;
      const values = [id, repository, namespace, at, at - limits.uploadIdleMs, most];
      if ((await db.write(namespace, step(sql, ...values))) === 0) throw uploadsExhausted(namespace, most);
      return new SharedUpload({ id, repository, size: 0 }, options, running);
    },
    async find(repository, id) {
      const sql = `select size, 0 as parts from uploads where id = ?1 and repository = ?2 and touched_at >= ?3`;
      const found = await db.first(stateRow, sql, id, repository, await oldest());
      if (found === undefined) throw uploadUnknown();
      return new SharedUpload({ id, repository, size: found.size }, options, running);
    },
    async expire() {
      const before = await oldest();
      const sql = `select id, namespace from uploads where touched_at < ?1 limit ${stride}`;
      for (const { id, namespace } of await db.all(expiredRow, sql, before))
        await db.write(namespace, step('delete from uploads where id = ?1 and touched_at < ?2', id, before));
    },
    async close() {
      for (const { source } of running) source.destroy(uploadUnknown());
    },
  };
}

class SharedUpload implements Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly #namespace: string;
  readonly #options: SharedUploadOptions;
  readonly #running: Set<Running>;
  #size: number;

  constructor(
    { id, repository, size }: Pick<Upload, 'id' | 'repository' | 'size'>,
    options: SharedUploadOptions,
    running: Set<Running>,
  ) {
    this.id = id;
    this.repository = repository;
    this.#namespace = namespaceOfRepository(repository);
    this.#options = options;
    this.#running = running;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  async append(source: Readable, { at, length }: ExpectedChunk = {}): Promise<void> {
    // The source can end before it is read; the reader then gets the error.
    source.on('error', () => {});
    const { turn, parts } = await this.#takeTurn();
    if (at !== undefined && at !== this.#size) throw outOfOrder(at, this.#size);
    if (parts >= mostParts) {
      const text = `the upload has come in ${mostParts} chunks, which is the limit: send larger ones`;
      throw registryStoreFault('UPLOADS_EXHAUSTED', text);
    }
    const request = { id: this.id, namespace: this.#namespace, source, bytes: length ?? 0 };
    this.#running.add(request);
    try {
      await this.#receive(request, turn, length);
    } finally {
      this.#running.delete(request);
    }
  }

  async finish(name: Digest | SecondName): Promise<Digest> {
    const { turn } = await this.#takeTurn();
    try {
      const digest = await this.#finish(name, turn);
      await this.cancel();
      return digest;
    } catch (error) {
      // After trouble with the store or the disk, the client can try again.
      if (isFault(error) && ['invalid', 'too-large'].includes(error.kind)) await this.cancel();
      throw error;
    }
  }

  /** The chunks are swept with other blobs that nothing needs. */
  async cancel(): Promise<void> {
    this.#endOthers();
    await this.#options.db.write(this.#namespace, step('delete from uploads where id = ?1', this.id));
  }

  /** @throws Fault UPLOAD_UNKNOWN */
  async #takeTurn(): Promise<{ readonly turn: string; readonly parts: number }> {
    const { db, limits } = this.#options;
    const turn = newId();
    const at = await db.now();
    const take = 'update uploads set turn = ?2, touched_at = ?3 where id = ?1 and touched_at >= ?4';
    const values = [this.id, turn, at, at - limits.uploadIdleMs];
    if ((await db.write(this.#namespace, step(take, ...values))) === 0) throw uploadUnknown();
    this.#endOthers();
    const count = '(select count(*) from upload_parts where upload = id)';
    const sql = `select size, ${count} as parts from uploads where id = ?1`;
    const state = await db.first(stateRow, sql, this.id);
    if (state === undefined) throw uploadUnknown();
    this.#size = state.size;
    return { turn, parts: state.parts };
  }

  #endOthers(): void {
    for (const { id, source } of this.#running) if (id === this.id) source.destroy(takenOver());
  }

  /** A client that has disconnected can resume; an upload that was refused or can't be written can't. */
  async #receive(request: Running, turn: string, length: number | undefined): Promise<void> {
    const { content } = this.#options;
    const { source } = request;
    const room = await this.#room(request);
    room(request.bytes);
    await using writer = content.blobs.write();
    const keepTurn = this.#turnKeeper(turn, source);
    let isRefused = false;
    const admit = (bytes: number) => {
      isRefused = true;
      if (length !== undefined && writer.size + bytes > length) throw wrongSize(length);
      this.#options.admitWrite(bytes);
      request.bytes = Math.max(request.bytes, writer.size + bytes);
      room(request.bytes);
      isRefused = false;
      keepTurn();
    };
    const [received] = await Promise.allSettled([writer.append(source, admit)]);
    if (received.status === 'rejected' && (writer.isBroken || (isRefused && !source.destroyed))) {
      await this.cancel();
      throw received.reason;
    }
    if (writer.size > 0) {
      await content.adopt(writer, writer.digest(), () => this.#addPart(turn, writer.digest(), writer.size));
      this.#size += writer.size;
    }
    if (received.status === 'rejected') throw received.reason;
    if (length !== undefined && writer.size !== length) throw wrongSize(length);
  }

  /** Returns a check whether the namespace has room for this number of bytes of the request. */
  async #room(request: Running): Promise<(bytes: number) => void> {
    const { db, limits, limitsOf, usage } = this.#options;
    const at = await db.now();
    const uploaded = await db.first(
      sumRow,
      `select cast(coalesce(sum(case when parts.size < ${smallestBytes} then ${smallestBytes} else parts.size end), 0)
         as bigint) as bytes
         from uploads join upload_parts as parts on parts.upload = uploads.id
         where uploads.namespace = ?1 and uploads.touched_at >= ?2`,
      ...[this.#namespace, at - limits.uploadIdleMs],
    );
    const held = await usage(this.#namespace);
    const { bytesPerNamespace: allowed } = await limitsOf(this.#namespace);
    return (bytes) => {
      let pending = (uploaded?.bytes ?? 0) + bytes;
      for (const other of this.#running)
        if (other !== request && other.namespace === this.#namespace) pending += other.bytes;
      if (held + pending > allowed) throw noRoom(this.#namespace, { held, allowed });
    };
  }

  /** Keeps a long request from expiring, and ends it when another server has the turn. */
  #turnKeeper(turn: string, source: Readable): () => void {
    const { db, limits } = this.#options;
    let at = performance.now();
    return () => {
      if (performance.now() - at < limits.uploadIdleMs / 10) return;
      at = performance.now();
      const touch = async () => {
        const sql = 'update uploads set touched_at = ?3 where id = ?1 and turn = ?2';
        const isOurs = await db.write(this.#namespace, step(sql, this.id, turn, await db.now()));
        if (isOurs === 0) source.destroy(takenOver());
      };
      // What can't be asked now is asked at the end.
      touch().catch(() => {});
    };
  }

  /** False: a sweep was faster, so try again. @throws Fault UPLOAD_TAKEN_OVER, UPLOAD_UNKNOWN */
  async #addPart(turn: string, digest: Digest, size: number): Promise<boolean> {
    const { db } = this.#options;
    const at = await db.now();
    const changed = await db.write(
      this.#namespace,
      step(
        `update blobs set touched_at = ?2 where digest = ?1 and doomed_at is null
           and exists (select 1 from uploads where id = ?3 and turn = ?4)`,
        ...[digest, at, this.id, turn],
      ),
      step(
        'insert into upload_parts (upload, at, digest, size) values (?1, ?2, ?3, ?4)',
        ...[this.id, this.#size, digest, size],
      ),
      step('update uploads set size = size + ?2, touched_at = ?3 where id = ?1', this.id, size, at),
    );
    if (changed > 0) return true;
    // The row of the chunk may be live again by now, so only the turn says why nothing changed.
    if ((await this.#turn()) !== turn) throw takenOver();
    return false;
  }

  /** The turn of the newest request. @throws Fault UPLOAD_UNKNOWN */
  async #turn(): Promise<string> {
    const row = await this.#options.db.first(turnRow, 'select turn from uploads where id = ?1', this.id);
    if (row === undefined) throw uploadUnknown();
    return row.turn;
  }

  async #finish(name: Digest | SecondName, turn: string): Promise<Digest> {
    const { db, content, record } = this.#options;
    const sql = 'select digest, size from upload_parts where upload = ?1 order by at';
    const parts = await db.all(partRow, sql, this.id);
    const [only] = parts;
    if (parts.length === 1 && only !== undefined) {
      const found = isDigest(name) ? only.digest : await secondNameOf(await content.blobs.open(only.digest));
      if (found !== name) throw wrongDigest(found, name);
      const secondName = isDigest(name) ? undefined : name;
      while (!(await record(this.repository, { ...only, secondName })))
        if ((await this.#turn()) !== turn) throw takenOver();
      return only.digest;
    }
    return this.#join(parts, name);
  }

  async #join(parts: readonly z.infer<typeof partRow>[], name: Digest | SecondName): Promise<Digest> {
    const { content, record, admitWrite } = this.#options;
    await using writer = content.blobs.write();
    for (const part of parts) {
      const bytes = await content.blobs.open(part.digest);
      try {
        await writer.append(bytes, admitWrite);
      } finally {
        bytes.destroy();
      }
    }
    const digest = writer.digest();
    const found = isDigest(name) ? digest : await secondNameOf(await writer.read());
    if (found !== name) throw wrongDigest(found, name);
    const blob = { digest, size: writer.size, secondName: isDigest(name) ? undefined : name };
    await content.adopt(writer, digest, () => record(this.repository, blob));
    return digest;
  }
}
