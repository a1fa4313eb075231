/**
 * Suggests what to do about a failed activation, as far as the platform can know: it sees the form of an error and
 * what the sandbox was given. The hint is shown beside the error, whose text is OpenWhisk's or the function's own. It
 * is only a hint, because a function can imitate the form of an error.
 */
import { lastLinesOf } from '../../dispatch/index.ts';
import { isJsonObject, type JsonValue } from '../../lib/index.ts';
import type { UserLimits } from '../limits.ts';
import type { ActivationEnd } from './record.ts';
import type { CodeTask } from './task.ts';

export type AllowedLimits = Pick<UserLimits, 'maxActionMemory' | 'maxActionTimeout'>;

interface Failed {
  readonly task: CodeTask;
  readonly end: ActivationEnd;
  /** Limits of the namespace, if known. */
  readonly allowed: AllowedLimits | undefined;
  /** The error's text, with that of its causes. */
  readonly said: string;
  /** The end of the log, if the error says nothing. */
  readonly lastLines: string;
}

/** Limit of the characters read from an error: a function may return megabytes. */
const mostSaid = 16 * 1024;
const mostLines = 50;
const deepestCause = 4;

/** Undefined if there is nothing to add to the error. */
export async function hintFor(
  task: CodeTask,
  end: ActivationEnd,
  allowed: AllowedLimits | undefined,
): Promise<string | undefined> {
  const said = textOf(errorOf(end), deepestCause).slice(0, mostSaid);
  // Only the log can tell why a process died.
  const lastLines = said.endsWith('exited unexpectedly.')
    ? lastLinesOf(await end.log, mostLines).join('\n')
    : '';
  const failed = { task, end, allowed, said, lastLines };
  return hints.map((hint) => hint(failed)).find((text) => text !== undefined);
}

const hints: readonly ((failed: Failed) => string | undefined)[] = [
  timeHint,
  memoryHint,
  moduleHint,
  refusedHint,
  noApiHint,
  noNetworkHint,
];

function timeHint({ task, end, allowed }: Failed): string | undefined {
  if (!end.timedOut) return undefined;
  return raise(task, 'timeout', 'ms', task.limits.timeoutMs, allowed?.maxActionTimeout);
}

const outOfMemory =
  /^The action exhausted its memory|JavaScript heap out of memory|java\.lang\.OutOfMemoryError|Allowed memory size of \d+ bytes exhausted|^MemoryError\b|failed to allocate memory/;

function memoryHint({ task, allowed, said, lastLines }: Failed): string | undefined {
  if (!outOfMemory.test(said) && !outOfMemory.test(lastLines)) return undefined;
  return raise(task, 'memory', 'MB', task.limits.memoryMiB, allowed?.maxActionMemory);
}

function raise(
  task: CodeTask,
  option: 'memory' | 'timeout',
  unit: string,
  now: number,
  most: number | undefined,
): string {
  if (most !== undefined && now >= most)
    return `it already has the allowed maximum, --${option} ${now}: do less in one call, or ask the operator to raise the limit`;
  const next = Math.min(now * 2, most ?? Number.POSITIVE_INFINITY);
  const within = most === undefined ? '' : ` (at most ${most} ${unit})`;
  return `raise --${option}${within}: ward action update ${nameOf(task)} --${option} ${next}`;
}

/** Maps Python modules to their packages on PyPI. A package with the module's own name may be an impostor's. */
const distributions: Readonly<Record<string, string>> = {
  attr: 'attrs',
  bs4: 'beautifulsoup4',
  Crypto: 'pycryptodome',
  cv2: 'opencv-python-headless',
  dateutil: 'python-dateutil',
  docx: 'python-docx',
  dotenv: 'python-dotenv',
  git: 'GitPython',
  jose: 'python-jose',
  jwt: 'PyJWT',
  magic: 'python-magic',
  MySQLdb: 'mysqlclient',
  OpenSSL: 'pyOpenSSL',
  PIL: 'pillow',
  psycopg2: 'psycopg2-binary',
  serial: 'pyserial',
  skimage: 'scikit-image',
  sklearn: 'scikit-learn',
  yaml: 'PyYAML',
  zmq: 'pyzmq',
};

/** How each language reports a missing module, and how to include it. */
const modules: readonly {
  readonly kind: string;
  readonly pattern: RegExp;
  readonly bring: (name: string) => string;
}[] = [
  {
    kind: 'nodejs:',
    pattern: /Cannot find (?:module|package) '([^'\n]{1,200})'/,
    bring: (name) => `npm install ${packageOf(name)}`,
  },
  {
    kind: 'python:',
    // "is not a package" means that the module exists but has no such part; installing cannot help.
    pattern: /No module named '([^'\n]{1,200})'(?!; '[^'\n]{1,200}' is not a package)/,
    bring: (name) => `pip install --target . ${distributionOf(name)}`,
  },
  { kind: 'ruby:', pattern: /cannot load such file -- ([^\s]{1,200})/, bring: () => 'bundle install' },
  { kind: 'php:', pattern: /Class "([^"\n]{1,200})" not found/, bring: () => 'composer install' },
  {
    kind: 'java:',
    pattern: /(?:NoClassDefFoundError|ClassNotFoundException): ([\w/.$]{1,200})/,
    bring: () => 'build one jar with all dependencies',
  },
];

function moduleHint({ task, said }: Failed): string | undefined {
  const { kind, pattern, bring } = modules.find((each) => task.kind.startsWith(each.kind)) ?? {};
  const name = pattern?.exec(said)?.[1];
  if (kind === undefined || name === undefined || bring === undefined) return undefined;
  if (/^[./]/.test(name))
    return `the code was deployed without ${name}: deploy its folder, with all its files: ward action update ${nameOf(task)} FOLDER`;
  return (
    `${name} is not in ${task.kind}, so deploy it with the code: ${bring(name)} in the folder of the code, then ` +
    `ward action update ${nameOf(task)} FOLDER`
  );
}

/** `lodash/fp` belongs to `lodash`, `@scope/name/part` to `@scope/name`. */
function packageOf(name: string): string {
  const parts = name.split('/');
  return parts.slice(0, name.startsWith('@') ? 2 : 1).join('/');
}

/** `yaml.nodes` belongs to PyYAML, `requests.auth` to requests. */
function distributionOf(name: string): string {
  const [module = ''] = name.split('.');
  return Object.hasOwn(distributions, module) ? `${distributions[module]}` : module;
}

/** For a function that has rules and tried to connect elsewhere. */
function refusedHint({ task, end }: Failed): string | undefined {
  const refused = (end.violations ?? []).find(({ kind }) => kind === 'egress');
  if (refused === undefined) return undefined;
  const host = /^name ([\w.-]+)/.exec(refused.detail)?.[1];
  return `its egress rules do not allow this (${refused.detail}): ${wayOut(task, host)}, and repeat its present rules`;
}

const unreachable =
  /fetch failed|\bE(?:AI_AGAIN|NETUNREACH|NOTFOUND|CONNREFUSED)\b|name resolution|[Nn]etwork is unreachable|[Cc]onnection refused|NameResolutionError|UnknownHostException|Could ?n[o']t resolve host|getaddrinfo|dial tcp/;
const ownAddress = /\b(?:127\.0\.0\.1|localhost)\b|::1\b/;

const ownApi = /\b(?:127\.0\.0\.1|localhost):3233\b/;

/** For a function that called the API's address in its sandbox and has no port for it. */
function noApiHint({ task, said }: Failed): string | undefined {
  if (!unreachable.test(said) || !ownApi.test(said)) return undefined;
  if (task.sandbox?.tier === 'gvisor')
    return 'a sandbox under gVisor has no port for the API of the platform';
  if (task.providesApiKey === true)
    return 'this server gives sandboxes no port for its API (`sandbox.allow.api`, or gVisor)';
  return (
    'only actions that are given a key can reach the API of the platform: ' +
    `ward action update ${nameOf(task)} --annotation provide-api-key true`
  );
}

function noNetworkHint({ task, said }: Failed): string | undefined {
  if ((task.sandbox?.egress?.length ?? 0) > 0 || !unreachable.test(said)) return undefined;
  if (ownAddress.test(said))
    return `127.0.0.1 is the sandbox itself, where nothing else listens. Use the name of the service: ${wayOut(task)}`;
  const host = /getaddrinfo E\w+ ([\w.-]+)/.exec(said)?.[1];
  return `this function has no egress rules, so its sandbox cannot connect to anything: ${wayOut(task, host)}`;
}

function wayOut(task: CodeTask, host = 'HOST:PORT'): string {
  return `ward action update ${nameOf(task)} --egress ${host} (if the operator allows it)`;
}

/** The action's name as its own namespace types it, or the full name for other namespaces. */
function nameOf({ action, namespace }: CodeTask): string {
  const own = `/${namespace}/`;
  return action.startsWith(own) ? action.slice(own.length) : action;
}

function errorOf({ result }: ActivationEnd): JsonValue | undefined {
  return isJsonObject(result) ? result['error'] : undefined;
}

/** An error may be a text, or an object with a message, a code and a cause. */
function textOf(error: JsonValue | undefined, depth: number): string {
  if (typeof error === 'string') return error;
  if (!isJsonObject(error) || depth === 0) return '';
  const { message, code, cause } = error;
  const own = [message, code].filter((each) => typeof each === 'string').join(' ');
  return cause === undefined ? own : `${own} ${textOf(cause, depth - 1)}`;
}
