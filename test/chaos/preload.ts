/**
 * Runs inside the server and its keeper before Ward's code. It makes calls to the file system and the database fail,
 * shifts the clock, and removes parts of Ward's sources. The test controls it with a file (`Orders`). It is passed as
 * the text of a script, so it imports nothing.
 */
import type { ChildProcess } from 'node:child_process';

export interface Settings {
  /** The file with the orders. */
  readonly orders: string;
  /** Texts in Ward's sources, and their replacements. */
  readonly edits: readonly Edit[];
}

export interface Edit {
  /** Path in the checkout. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Orders {
  readonly clockMs?: number;
  readonly faults?: FaultOrders;
}

export interface FaultOrders {
  /** Share of the calls that fail, from 0 to 1. */
  readonly share: number;
  readonly codes: readonly string[];
  /** Only writes fail. */
  readonly onlyWrites?: boolean;
  /** Number of failures of a call site with each code. Without it, sites fail as long as the orders last. */
  readonly timesEach?: number;
  readonly seed: number;
}

type Code = string;
// biome-ignore lint/suspicious/noExplicitAny: functions of every shape
type AnyFunction = (...args: any[]) => any;

const fs = process.getBuiltinModule('node:fs');
const module = process.getBuiltinModule('node:module');
const sqlite = process.getBuiltinModule('node:sqlite');
const childProcess = process.getBuiltinModule('node:child_process');
const settings = JSON.parse(process.env['WARD_CHAOS'] ?? 'null') as Settings | null;
/** Sites that were reported, with their number of failures. */
const failures = new Map<string, number>();
const readFileSync = fs.readFileSync;
const writeSync = fs.writeSync;
let orders: Orders = {};
let random = Math.random;
let isInside = false;
const written = /write|append|mkdir|rm|unlink|rename|link|chmod|chown|truncate|sync|utimes|cp|copy|mkdtemp/i;
const left = /^(?:watch|unwatch|exists|create|open(?:AsBlob)|close|_|fsync$|lchmod)/;

if (settings !== null) {
  editSources(settings.edits);
  shiftClock();
  wrapFiles();
  wrapDatabase();
  wrapChildren();
  let last = '';
  setInterval(() => {
    const text = readOrders(settings.orders);
    if (text === last) return;
    last = text;
    orders = JSON.parse(text === '' ? '{}' : text) as Orders;
    random = seeded(orders.faults?.seed ?? 1);
  }, 20).unref();
}

function readOrders(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function editSources(edits: readonly Edit[]): void {
  if (edits.length === 0) return;
  module.registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const own = edits.filter(({ file }) => url.endsWith(`/${file}`));
      if (own.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { file, from, to } of own) {
        if (!source.includes(from)) throw new Error(`chaos: ${file} no longer contains: ${from}`);
        source = source.replace(from, to);
      }
      return { ...loaded, source };
    },
  });
}

function shiftClock(): void {
  const RealDate = Date;
  const now = () => RealDate.now() + (orders.clockMs ?? 0);
  globalThis.Date = new Proxy(RealDate, {
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
    construct: (target, args, self) => Reflect.construct(target, args.length === 0 ? [now()] : args, self),
  });
}

function wrapFiles(): void {
  wrapAll('fs', fs as unknown as Record<string, AnyFunction>, (name) => !left.test(name));
  wrapAll('fs/promises', fs.promises as unknown as Record<string, AnyFunction>, (name) => !left.test(name));
  const opened = fs.promises.open(process.execPath);
  void opened.then(async (file) => {
    const names = ['read', 'readFile', 'write', 'writeFile', 'appendFile', 'sync', 'datasync', 'truncate'];
    const methods = Object.getPrototypeOf(file) as Record<string, AnyFunction>;
    wrapAll('file', methods, (name) =>
      [...names, 'stat', 'chmod', 'chown', 'readv', 'writev'].includes(name),
    );
    await file.close();
  });
  module.syncBuiltinESMExports();
}

function wrapAll(of: string, owner: Record<string, AnyFunction>, isWanted: (name: string) => boolean): void {
  for (const name of Object.getOwnPropertyNames(owner)) {
    const original = Object.getOwnPropertyDescriptor(owner, name)?.value as unknown;
    if (typeof original !== 'function' || !/^[a-z]/.test(name) || !isWanted(name)) continue;
    owner[name] = wrapped(of, name, original as AnyFunction);
  }
}

function wrapped(of: string, name: string, original: AnyFunction): AnyFunction {
  return Object.assign(function wrapper(this: unknown, ...args: unknown[]) {
    // The log is not a file.
    const isLog = typeof args[0] === 'number' && args[0] <= 2;
    const code = isLog ? undefined : codeFor(`${of}.${name}`, isWrite(name, args));
    if (code === undefined) return original.apply(this, args);
    const error = systemError(code, name, args[0]);
    const callback = args.at(-1);
    if (of !== 'fs') return Promise.reject(error);
    if (name.endsWith('Sync') || typeof callback !== 'function') throw error;
    process.nextTick(callback as AnyFunction, error);
    return undefined;
  }, original);
}

function isWrite(name: string, args: readonly unknown[]): boolean {
  if (/^open(?:Sync)?$/.test(name)) return typeof args[1] === 'string' && args[1] !== 'r';
  return written.test(name.replace(/Sync$/, ''));
}

function wrapDatabase(): void {
  const fail = (name: string) => {
    const code = codeFor(`sqlite.${name}`, true);
    if (code === undefined) return;
    const number = { ENOSPC: 13, EROFS: 8 }[code] ?? 10;
    const text = { ENOSPC: 'database or disk is full', EROFS: 'attempt to write a readonly database' }[code];
    throw Object.assign(new Error(text ?? 'disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: number });
  };
  const { DatabaseSync, StatementSync } = sqlite;
  const owners: readonly (readonly [object, readonly string[]])[] = [
    [DatabaseSync.prototype, ['exec']],
    [StatementSync.prototype, ['run']],
  ];
  for (const [owner, names] of owners) {
    const methods = owner as Record<string, AnyFunction>;
    for (const name of names) {
      const original = methods[name] as AnyFunction;
      methods[name] = function wrapper(this: unknown, ...args: unknown[]) {
        // A failed rollback leaves a transaction that SQLite has ended itself.
        if (!/^\s*rollback/.test(String(args[0]))) fail(name);
        return original.apply(this, args);
      };
    }
  }
}

/** Reports a child that can't be started through an event, as Node does. */
function wrapChildren(): void {
  const original = childProcess.spawn as AnyFunction;
  childProcess.spawn = ((...args: unknown[]) => {
    if (codeFor('spawn', false) === undefined) return original(...args);
    const child = original('/nonexistent/no-more-processes', [], args[2]) as ChildProcess;
    child.once('error', (error) => {
      Object.assign(error, { code: 'EAGAIN', errno: -11 });
      // This listener must not replace one of Ward's.
      if (child.listenerCount('error') === 0) throw error;
    });
    return child;
  }) as typeof childProcess.spawn;
  module.syncBuiltinESMExports();
}

/** The error that this call must get, if any. */
function codeFor(what: string, isWriting: boolean): Code | undefined {
  const { faults } = orders;
  if (faults === undefined || isInside) return undefined;
  if (faults.onlyWrites === true && !isWriting) return undefined;
  isInside = true;
  try {
    const site = siteOf(what);
    if (site === undefined) return undefined;
    if (!failures.has(site)) tell({ seen: site });
    const count = failures.get(site) ?? 0;
    failures.set(site, count);
    if (random() >= faults.share) return undefined;
    const codes = isWriting
      ? faults.codes
      : faults.codes.filter((code) => !['ENOSPC', 'EROFS'].includes(code));
    const code = codes[count % codes.length];
    if (code === undefined || count >= (faults.timesEach ?? Number.POSITIVE_INFINITY) * codes.length)
      return undefined;
    failures.set(site, count + 1);
    if (count < 2 * codes.length) tell({ failed: site, code });
    return code;
  } finally {
    isInside = false;
  }
}

/** The nearest place in Ward's own sources. Loads of modules, and calls from elsewhere, never fail. */
function siteOf(what: string): string | undefined {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 40;
  const stack = new Error('where').stack ?? '';
  Error.stackTraceLimit = stackTraceLimit;
  if (stack.includes('node:internal/modules')) return undefined;
  const place = /\/src\/([\w./-]+\.ts:\d+)/.exec(stack)?.[1];
  return place === undefined ? undefined : `${place} ${what}`;
}

/** Writes directly, before the log, which can be late: standard error is a pipe, or replaced. */
function tell(what: object): void {
  try {
    writeSync(2, `chaos: ${JSON.stringify(what)}\n`);
  } catch {
    // The pipe is full, so the site is reported the next time.
  }
}

function systemError(code: Code, syscall: string, path: unknown): Error {
  const numbers: Readonly<Record<Code, number>> = { EIO: -5, EMFILE: -24, ENOSPC: -28, EROFS: -30 };
  const about = typeof path === 'string' ? { path } : {};
  const error = new Error(`${code}: injected, ${syscall}`);
  return Object.assign(error, { code, errno: numbers[code] ?? -5, syscall, ...about });
}

function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
