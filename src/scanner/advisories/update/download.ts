/**
 * Downloads one export into a file if it has changed. It resumes an interrupted download and enforces a limit on bytes. The
 * import checks the content.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { isFault, isJsonObject, messageOf } from '../../../lib/index.ts';
import { scannerFault } from '../../faults.ts';
import { digestOf } from '../importing/read-input.ts';
import type { AdvisoryOrigin } from '../types.ts';
import { checkSaid, fetchFollowing, type SaidDigest, saidDigests } from './fetching.ts';
import type { AdvisorySource } from './sources.ts';

export interface DownloadOptions {
  readonly source: Pick<AdvisorySource, 'name' | 'url' | 'maxBytes'>;
  /** Target path. The file is kept across attempts, with its state in a second file. */
  readonly file: string;
  /** The file that was imported last. */
  readonly known: KnownFile | undefined;
  /** Required SHA-256, as hex. */
  readonly expected?: string | undefined;
  /** A missing file is no failure. */
  readonly mayBeAbsent?: boolean;
  /** A signed list covers the bytes, so TLS is not needed. */
  readonly isSigned?: boolean;
  /** Hosts that failed all attempts. Further sources there get one attempt. */
  readonly gone: Set<string>;
  readonly fetch: typeof fetch;
  readonly pauseMs: number;
  /** The longest time without new bytes. */
  readonly stallMs: number;
  readonly signal: AbortSignal | undefined;
  readonly progress: (bytes: number, totalBytes: number | undefined) => void;
}

/** Undefined when the file was imported already, or when it may be absent and is. */
type Downloaded = AdvisoryOrigin | undefined;

export interface KnownFile extends AdvisoryOrigin {
  /** SHA-256 as hex. */
  readonly digest: string;
}

const mostAttempts = 5;
/** The time limit of one attempt, even if bytes keep arriving. */
const longestMs = 3_600_000;

/** The state of a complete or partial download. */
interface FileNote extends AdvisoryOrigin {
  readonly isWhole: boolean;
}

/** @throws Fault ADVISORIES_UNREACHABLE, ADVISORIES_UNTRUSTED, ADVISORY_FILE_TOO_LARGE */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { host } = new URL(options.source.url);
  const attempts = options.gone.has(host) ? 1 : mostAttempts;
  for (let attempt = 1; ; attempt++) {
    const before = sizeOf(options.file);
    try {
      return await tryOnce(options);
    } catch (error) {
      options.signal?.throwIfAborted();
      if (isFault(error)) throw error;
      if (attempt >= attempts) {
        options.gone.add(host);
        throw unreachable(options.source, reasonOf(error));
      }
      if (sizeOf(options.file) === before)
        await wait(options.pauseMs * attempt, undefined, { signal: options.signal });
    }
  }
}

async function tryOnce(options: DownloadOptions): Promise<Downloaded> {
  const { source, file, known, expected, stallMs } = options;
  if (expected !== undefined && known?.digest === expected) return undefined;
  const note = readNote(file, source.url);
  if (expected !== undefined && note?.isWhole && (await digestOf(file)) === expected) return note;
  const stall = new AbortController();
  const timer = setTimeout(() => stall.abort(new Error(`no data arrived for ${stallMs / 1000} s`)), stallMs);
  const signals = [stall.signal, AbortSignal.timeout(longestMs), ...(options.signal ? [options.signal] : [])];
  // With an expected digest the known file is certainly another one.
  const last = known?.url === source.url && expected === undefined ? known : undefined;
  try {
    const response = await fetchFollowing(options, {
      headers: headersFor(file, expected === undefined || note?.isWhole === false ? note : undefined, last),
      signal: AbortSignal.any(signals),
    });
    // An unread body would keep a connection or a file open.
    using _body = { [Symbol.dispose]: () => void response.body?.cancel().catch(() => {}) };
    if (response.status === 304) return note?.isWhole ? note : undefined;
    if (response.status === 404 && options.mayBeAbsent) return undefined;
    if (response.status === 416) await forget(file);
    if (!response.ok) throw refused(source, response.status);
    return await receive(options, response, () => timer.refresh());
  } finally {
    clearTimeout(timer);
  }
}

/** `fetch` says `fetch failed`; its cause says why. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause === undefined) return messageOf(error);
  // A host with several addresses has one error for each, and no message.
  const [first = cause] = cause instanceof AggregateError ? cause.errors : [];
  return messageOf(first) || messageOf(error);
}

/** Resumes a partial file only if it certainly has not changed. */
function headersFor(
  file: string,
  note: FileNote | undefined,
  known: AdvisoryOrigin | undefined,
): Record<string, string> {
  const always = { 'accept-encoding': 'identity', 'user-agent': 'ward' };
  const size = sizeOf(file);
  if (note?.isWhole === false && size > 0 && note.etag?.startsWith('"')) {
    return { ...always, range: `bytes=${size}-`, 'if-range': note.etag };
  }
  const last = note?.isWhole ? note : known;
  if (last?.etag !== undefined) return { ...always, 'if-none-match': last.etag };
  return last?.lastModified === undefined ? always : { ...always, 'if-modified-since': last.lastModified };
}

async function receive(
  { source, file, progress, expected }: DownloadOptions,
  response: Response,
  alive: () => void,
): Promise<Downloaded> {
  const start = response.status === 206 ? startOf(response) : 0;
  if (start !== 0 && start !== sizeOf(file)) {
    await forget(file);
    throw new Error('the server resumes at another offset');
  }
  const origin: AdvisoryOrigin = {
    url: source.url,
    etag: response.headers.get('etag') ?? undefined,
    lastModified: response.headers.get('last-modified') ?? undefined,
  };
  const length = lengthOf(response);
  const total = length === undefined ? undefined : start + length;
  if (total !== undefined && total > source.maxBytes) throw tooLarge(source);
  writeNote(file, { ...origin, isWhole: false });
  await using target = await open(file, start === 0 ? 'w' : 'a', 0o600);
  let bytes = start;
  for await (const chunk of response.body ?? []) {
    alive();
    bytes += chunk.length;
    if (bytes > source.maxBytes) throw tooLarge(source);
    await target.writeFile(chunk);
    progress(bytes, total);
  }
  if (total !== undefined && bytes !== total) throw new Error(`it ends after ${bytes} of ${total} bytes`);
  await target.sync();
  await check(source, file, saidDigests(response), expected);
  writeNote(file, { ...origin, isWhole: true });
  return origin;
}

/** Deletes a file with wrong bytes, so that the next attempt starts again. */
async function check(
  { name, url }: DownloadOptions['source'],
  file: string,
  said: readonly SaidDigest[],
  expected: string | undefined,
): Promise<void> {
  if (expected !== undefined && (await digestOf(file)) !== expected) {
    await forget(file);
    throw scannerFault('ADVISORIES_UNTRUSTED', `${name} from ${url} does not match SHA256SUMS`, {
      hint: 'Have the mirror fetch it and write SHA256SUMS again.',
    });
  }
  const wrong = await checkSaid(file, said);
  if (wrong === undefined) return;
  await forget(file);
  throw new Error(`it was damaged in transit: its ${wrong} is not the one that the server states`);
}

/** Removes the download and its state. */
export async function forget(file: string): Promise<void> {
  await rm(file, { force: true });
  await rm(noteOf(file), { force: true });
}

function startOf(response: Response): number {
  return Number(/^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '')?.[1] ?? -1);
}

/** Undefined when the header is missing, or when the body is unpacked in transit. */
function lengthOf({ headers }: Response): number | undefined {
  const text = headers.get('content-encoding') === null ? headers.get('content-length') : null;
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function noteOf(file: string): string {
  return `${file}.note`;
}

function writeNote(file: string, note: FileNote): void {
  writeFileSync(noteOf(file), JSON.stringify(note), { mode: 0o600 });
}

/** Undefined when there is none, or when it belongs to another URL. */
function readNote(file: string, url: string): FileNote | undefined {
  if (!existsSync(file) || !existsSync(noteOf(file))) return undefined;
  try {
    const value: unknown = JSON.parse(readFileSync(noteOf(file), 'utf8'));
    if (!isJsonObject(value) || value['url'] !== url) return undefined;
    const { etag, lastModified, isWhole } = value;
    return {
      url,
      etag: typeof etag === 'string' ? etag : undefined,
      lastModified: typeof lastModified === 'string' ? lastModified : undefined,
      isWhole: isWhole === true,
    };
  } catch {
    return undefined;
  }
}

/** Errors that may pass are tried again. */
function refused(source: DownloadOptions['source'], status: number): Error {
  const reason = `it answered with status ${status}${meanings[status] ?? ''}`;
  return status >= 500 || status === 429 || status === 416 ? new Error(reason) : unreachable(source, reason);
}

const meanings: Readonly<Record<number, string>> = {
  403: ': access is denied',
  404: ': it does not exist',
};

function unreachable({ name, url }: DownloadOptions['source'], reason: string): Error {
  return scannerFault('ADVISORIES_UNREACHABLE', `${name} could not be fetched from ${url}: ${reason}`, {
    hint: 'Try again later, or import the file from elsewhere.',
  });
}

function tooLarge({ name, maxBytes }: DownloadOptions['source']): Error {
  return scannerFault('ADVISORY_FILE_TOO_LARGE', `${name} has more than ${maxBytes} bytes`, {
    hint: 'If that is right, raise its maxSize in the list of sources.',
  });
}
