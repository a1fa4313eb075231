/** A server under attack: starts it, deploys the seeds, sends requests, and checks its health at the end. */
import type { ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { digestOf } from '../../src/blobs/index.ts';
import { startCommand } from '../../src/lib/index.ts';
import { cgroupsOf } from '../cgroups.ts';
import { leftOvers, nothing } from '../left-overs.ts';
import { outsideEnv } from '../ward.ts';
import { entities, manifestType, seededImage } from './fixtures.ts';

export interface Route {
  readonly method: string;
  readonly url: string;
  /** The right that the route declares. */
  readonly access: string;
}

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Target extends AsyncDisposable {
  readonly dataDir: string;
  readonly port: number;
  readonly routes: readonly Route[];
  /** Authorization header of guest. */
  readonly key: string;
  /** An existing activation, digest of a manifest, and digest of a blob. */
  readonly known: { readonly activation: string; readonly manifest: string; readonly blob: string };
  ask(ask: Ask): Promise<Answered>;
  /** Deletes what it can. @throws Error when the server is unhealthy, or when something is left behind */
  settle(): Promise<void>;
  /** Secrets that no answer may contain. */
  readonly inside: readonly string[];
}

const mostMiB = 1500;
const settleMs = 60_000;
const limits = {
  invocationsPerMinute: 1_000_000,
  concurrentInvocations: 100,
  firesPerMinute: 1_000_000,
  blockingWaitMs: 3000,
};
const config = {
  logLevel: 'error',
  invoker: { prewarm: [], memoryMiB: 1024, keepAliveMs: 2000 },
  limits,
  web: {
    perAddress: { perSecond: 1_000_000, burst: 1_000_000 },
    perAddressAndAction: { perSecond: 1_000_000, burst: 1_000_000 },
  },
};

/** @param more additional configuration of the server */
export async function openTarget(more: object = {}): Promise<Target> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ward-fuzz-'));
  await writeFile(join(dataDir, 'config.json'), JSON.stringify({ ...config, ...more }));
  const program = fileURLToPath(new URL('./server.ts', import.meta.url));
  const child = startCommand([process.execPath, program, dataDir, join(dataDir, 'config.json')], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: outsideEnv(),
  });
  const errors = errorsOf(child);
  const lines = child.stdout === null ? undefined : createInterface({ input: child.stdout });
  const nextLine = async () => {
    if (lines === undefined) throw new Error('no stdout');
    const gone = once(child, 'exit').then(() => {
      throw new Error(`the server has ended: ${errors().slice(-2000)}`);
    });
    const [line] = await Promise.race([once(lines, 'line'), gone]);
    return JSON.parse(line);
  };
  const { url, routes } = await nextLine();
  const key = `Basic ${Buffer.from((await readFile(join(dataDir, 'guest.auth'), 'utf8')).trim()).toString('base64')}`;
  const agent = new Agent({ keepAlive: true, maxSockets: 32 });
  const port = Number(new URL(url).port);
  const asking = (ask: Ask) => askServer(agent, port, ask);
  const known = await seed(asking, key);
  const place = { dataDir, instance: createHash('sha256').update(dataDir).digest('hex').slice(0, 12) };
  return {
    ...{ dataDir, port, routes, key, known, ask: asking, inside: [dataDir, process.cwd()] },
    async settle() {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the server has ended: ${errors()}`);
      await removeAll(asking, key);
      await until(() => cgroupsOf(place.instance).length === 0, 'unused sandboxes are left');
      const ping = await asking({ method: 'GET', path: '/ping', headers: {} });
      if (ping.status !== 200) throw new Error(`/ping answers ${ping.status}`);
      const line = nextLine();
      child.stdin?.write('memory\n');
      const { peakMiB } = await line;
      if (peakMiB > mostMiB) throw new Error(`the server took ${peakMiB} MiB`);
      agent.destroy();
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
      if (child.exitCode !== 0) throw new Error(`the server's exit code is ${child.exitCode}`);
      const left = JSON.stringify(leftOvers(place));
      if (left !== JSON.stringify(nothing)) throw new Error(`the server left behind: ${left}`);
      if (errors() !== '') throw new Error(`the server's log has errors: ${errors().slice(0, 3000)}`);
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await until(() => leftOvers(place).processes.length === 0, 'processes are left');
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Everything that it wrote to stderr: it logs only errors. */
function errorsOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    if (text.length < 100_000) text += chunk;
  });
  return () =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{"level"') || /^\s+at |Error/.test(line))
      .join('\n');
}

function askServer(agent: Agent, port: number, { method, path, headers, body }: Ask): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      const end = () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', end);
      response.on('error', reject);
      // A stream that does not end by itself.
      if (response.headers['content-type']?.includes('event-stream')) {
        end();
        response.destroy();
      }
    });
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The server refused the request before it read the whole body.
      if (error.code === 'EPIPE' || error.code === 'ECONNRESET')
        resolve({ status: 0, headers: {}, body: Buffer.alloc(0) });
      else reject(error);
    });
    sent.end(body);
  });
}

async function seed(asking: (ask: Ask) => Promise<Answered>, key: string): Promise<Target['known']> {
  const asked = async (method: string, path: string, body?: Buffer, type = 'application/json') => {
    const headers = {
      authorization: key,
      ...(body === undefined ? {} : { 'content-type': type, 'content-length': String(body.length) }),
    };
    const answer = await asking({ method, path, headers, body });
    if (answer.status >= 300 || answer.status === 0)
      throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
    return answer;
  };
  const names = '/api/v1/namespaces/_';
  for (const [path, body] of entities)
    await asked('PUT', `${names}/${path}`, Buffer.from(JSON.stringify(body)));
  const run = await asked('POST', `${names}/actions/seed?blocking=true`, Buffer.from('{}'));
  const { manifest, blobs } = await seededImage();
  for (const blob of blobs) {
    const begun = await asked('POST', '/v2/guest/app/blobs/uploads/');
    const location = new URL(String(begun.headers.location), 'http://ward');
    await asked('PUT', `${location.pathname}?digest=${digestOf(blob)}`, blob, 'application/octet-stream');
  }
  await asked('PUT', '/v2/guest/app/manifests/1', manifest, manifestType);
  return {
    activation: String(run.headers['x-openwhisk-activation-id']),
    manifest: digestOf(manifest),
    blob: digestOf(blobs[0] ?? Buffer.alloc(0)),
  };
}

/** Stops all calls and prewarmed sandboxes. */
async function removeAll(asking: (ask: Ask) => Promise<Answered>, key: string): Promise<void> {
  for (const collection of ['rules', 'triggers', 'actions', 'packages']) {
    for (;;) {
      const path = `/api/v1/namespaces/_/${collection}`;
      const { body } = await asking({
        method: 'GET',
        path: `${path}?limit=200`,
        headers: { authorization: key },
      });
      const found: { name: string; namespace: string }[] = JSON.parse(body.toString());
      if (found.length === 0) break;
      for (const { name, namespace } of found) {
        const inPackage = namespace.split('/').slice(1).map(encodeURIComponent);
        const full = [path, ...inPackage, encodeURIComponent(name)].join('/');
        const answer = await asking({
          method: 'DELETE',
          path: `${full}?force=true`,
          headers: { authorization: key },
        });
        if (answer.status >= 300) throw new Error(`DELETE ${full}: ${answer.status} ${answer.body}`);
      }
    }
  }
}

async function until(holds: () => boolean, otherwise: string): Promise<void> {
  const deadline = performance.now() + settleMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await pause(100);
  }
}
