/** For tests of the command line: runs it in this process or with the real launcher, against a stub of the server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, type JsonValue, runCommand } from '../lib/index.ts';
import { runInFolder } from './in-process.fixture.ts';

export const launcher = fileURLToPath(new URL('../../bin/ward.mjs', import.meta.url));
export const stubKey = 'a0000000-0000-4000-8000-000000000000:secret';

export const activationId = '44794bd6aab74415b4e42a308d880e5b';
export const actionsUrl = '/api/v1/namespaces/_/actions';
export const activationsUrl = '/api/v1/namespaces/_/activations';
export const triggersUrl = '/api/v1/namespaces/_/triggers';
export const rulesUrl = '/api/v1/namespaces/_/rules';
export const packagesUrl = '/api/v1/namespaces/_/packages';

/** An action as the API returns it. */
export const action = {
  namespace: 'guest',
  name: 'hello',
  version: '0.0.2',
  exec: { binary: false },
  annotations: [{ key: 'exec', value: 'nodejs:24' }],
  parameters: [{ key: 'greeting', value: 'Hi' }],
  limits: { timeout: 60000, memory: 256, logs: 10, concurrency: 1 },
  updated: 1_767_261_600_000,
};

export const record = {
  namespace: 'guest',
  name: 'hello',
  version: '0.0.2',
  activationId,
  start: 1_767_261_600_000,
  end: 1_767_261_600_017,
  duration: 17,
  annotations: [
    { key: 'path', value: 'guest/pack/hello' },
    { key: 'kind', value: 'nodejs:24' },
    { key: 'waitTime', value: 3 },
    { key: 'initTime', value: 40 },
  ],
  response: { status: 'success', success: true, result: { greeting: 'Hello, World' } },
  logs: ['2026-01-01T10:00:00.123456789Z stdout: hello', '2026-01-01T10:00:00.223456789Z stderr: oh'],
};

export const failed = {
  ...record,
  response: { status: 'application error', success: false, result: { error: 'no luck' } },
};

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly authorization: string | undefined;
  readonly ifMatch: string | undefined;
  readonly body: unknown;
}

interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: JsonValue;
  /** Sent unchanged, instead of `body`. */
  readonly text?: string;
}

/** The same answer each time, or a function of the request. */
type StubAnswers = StubAnswer | ((request: RecordedRequest, count: number) => StubAnswer);

interface StubApi extends AsyncDisposable {
  readonly url: string;
  readonly requests: RecordedRequest[];
  /** `METHOD /path` (without the query) → answer; anything else gets a 404. */
  readonly answers: Map<string, StubAnswers>;
}

/**
 * A stub of Ward's API: records what the command line sends, and gives the configured answers. The end-to-end tests
 * show that the real API accepts these requests.
 */
export async function startStubApi(): Promise<StubApi> {
  const requests: RecordedRequest[] = [];
  const answers = new Map<string, StubAnswers>();
  const server = createServer(async (request, response) => {
    const text = await textOf(request);
    const { method = '', url = '' } = request;
    const { authorization, 'if-match': ifMatch } = request.headers;
    const body = text === '' ? undefined : JSON.parse(text);
    const recorded = { method, url, authorization, ifMatch, body };
    requests.push(recorded);
    const route = `${method} ${url.split('?')[0]}`;
    const count = requests.filter((each) => `${each.method} ${each.url.split('?')[0]}` === route).length;
    const found = answers.get(route) ?? notThere;
    const answer = typeof found === 'function' ? found(recorded, count) : found;
    response.writeHead(answer.status ?? 200, { 'Content-Type': 'application/json', ...answer.headers });
    response.end(answer.text ?? JSON.stringify(answer.body ?? null));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    answers,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export interface Home extends AsyncDisposable {
  readonly path: string;
}

/** An empty home folder, so that no test reads this machine's settings. */
export async function makeHome(): Promise<Home> {
  const path = await mkdtemp(join(tmpdir(), 'ward-cli-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

export interface WardOptions {
  readonly home: Home;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a command in this process, in the home folder. */
export function runWard(args: readonly string[], options: WardOptions): Promise<CommandResult> {
  return runInFolder(args, surroundingsOf(options));
}

/** Runs the real launcher in a separate process. `node`: a Node other than the one that runs the tests. */
export function launchWard(
  args: readonly string[],
  options: WardOptions & { readonly node?: string },
): Promise<CommandResult> {
  const { node = process.execPath } = options;
  return runCommand([node, launcher, ...args], { ...surroundingsOf(options), timeoutMs: 60_000 });
}

function surroundingsOf({ home, input, env }: WardOptions) {
  return {
    cwd: home.path,
    env: { PATH: process.env['PATH'], HOME: home.path, WARD_DATA: join(home.path, 'data'), ...env },
    ...(input === undefined ? {} : { input }),
  };
}

interface Bench extends AsyncDisposable {
  readonly api: StubApi;
  readonly home: Home;
  /** Runs the command line against the stub, with its key. */
  ward(args: readonly string[], input?: string): Promise<CommandResult>;
}

export async function startBench(): Promise<Bench> {
  const api = await startStubApi();
  const home = await makeHome();
  const env = { WARD_APIHOST: api.url, WARD_AUTH: stubKey };
  return {
    api,
    home,
    ward: (args, input) => runWard(args, { home, env, ...(input === undefined ? {} : { input }) }),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
}

const notThere: StubAnswer = {
  status: 404,
  body: { error: 'The requested resource does not exist.', code: 'request-1' },
};

/** An answer that is a stream of events; the stream ends with the last one. */
export function eventStream(
  ...events: readonly (readonly [type: string, data: JsonValue, id?: number])[]
): StubAnswer {
  const text = events.map(
    ([type, data, id]) =>
      `${id === undefined ? '' : `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`,
  );
  return { headers: { 'Content-Type': 'text/event-stream' }, text: `: hello\n\n${text.join('')}` };
}

/** The requests as `METHOD /path?query`, in order. */
export function asked(api: StubApi): string[] {
  return api.requests.map(({ method, url }) => `${method} ${url}`);
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}
