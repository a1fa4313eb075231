/** An S3-compatible server for tests: moto, from Debian's python3-moto. Each test takes a prefix of its own. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { runCommand, startCommand } from '../../lib/index.ts';

const program = '/usr/bin/moto_server';
export const testBucket = 'ward-test';

/** Why this machine has none, or undefined. */
export async function missingForMoto(): Promise<string | undefined> {
  const found = await runCommand([program, '--help'], { timeoutMs: 60_000 }).catch(() => undefined);
  return found?.code === 0 ? undefined : 'moto_server of python3-moto is not installed';
}

/** Reads and writes objects without Ward's own client. */
export interface TestServer extends AsyncDisposable {
  readonly url: string;
  /** Stops it without an end of its connections, until the returned object is disposed. */
  pause(): Disposable;
  put(key: string, bytes: string | Uint8Array<ArrayBuffer>): Promise<void>;
  get(key: string): Promise<Buffer | undefined>;
  remove(key: string): Promise<void>;
  keys(prefix: string): Promise<readonly string[]>;
  /** Keys of the uploads in parts that have not ended. */
  unfinished(prefix: string): Promise<readonly string[]>;
}

/**
 * @param options.address address of this machine on which it listens
 * @param options.detached a signal of the terminal does not reach it
 */
export async function startMoto({ address = '127.0.0.1', detached = false } = {}): Promise<TestServer> {
  const child = startCommand([program, '-H', address, '-p', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached,
  });
  const ended = once(child, 'exit');
  if (child.stderr === null) throw new Error('moto has no stderr');
  const url = await new Promise<string>((resolve, reject) => {
    ended.then(() => reject(new Error('moto has ended')), reject);
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on('line', (line) => {
      const found = /Running on (http:\/\/[\d.]+:\d+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  const bucket = `${url}/${testBucket}`;
  await call(bucket, { method: 'PUT' });
  const restore = setCredentials();
  return {
    ...clientOf(bucket),
    url,
    pause() {
      child.kill('SIGSTOP');
      return { [Symbol.dispose]: () => void child.kill('SIGCONT') };
    },
    async [Symbol.asyncDispose]() {
      restore();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

export interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

/** From then on, the server at `url` takes only requests that are signed with the returned key. */
export async function requireSignatures(url: string): Promise<AccessKey> {
  const ask = (words: Readonly<Record<string, string>>) =>
    call(url, {
      method: 'POST',
      headers: { authorization: authorization('iam') },
      body: new URLSearchParams({ ...words, UserName: 'ward', Version: '2010-05-08' }),
    });
  const policy = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } };
  await ask({ Action: 'CreateUser' });
  await ask({ Action: 'PutUserPolicy', PolicyName: 's3', PolicyDocument: JSON.stringify(policy) });
  const made = await ask({ Action: 'CreateAccessKey' });
  const [id, secret] = ['AccessKeyId', 'SecretAccessKey'].map(
    (name) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(made)?.[1],
  );
  if (id === undefined || secret === undefined) throw new Error(`moto made no key: ${made}`);
  await call(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' });
  return { id, secret };
}

/** Puts credentials where the client looks for them. Returns a function that puts back what was there. */
function setCredentials(): () => void {
  const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];
  const before = names.map((name) => [name, process.env[name]] as const);
  for (const name of names) process.env[name] = 'test';
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}

function clientOf(bucket: string): Omit<TestServer, 'url' | 'pause' | keyof AsyncDisposable> {
  return {
    put: async (key, body) => void (await call(`${bucket}/${key}`, { method: 'PUT', body })),
    async get(key) {
      const answer = await fetch(`${bucket}/${key}`, { headers: testHeaders });
      const bytes = Buffer.from(await answer.arrayBuffer());
      return answer.ok ? bytes : undefined;
    },
    remove: async (key) => void (await call(`${bucket}/${key}`, { method: 'DELETE' })),
    keys: async (prefix) => keysIn(await call(`${bucket}?list-type=2&prefix=${prefix}`)),
    unfinished: async (prefix) => keysIn(await call(`${bucket}?uploads&prefix=${prefix}`)),
  };
}

/** Until `requireSignatures`, moto checks no signature, but lets only a signed request replace an object. */
export const testHeaders = { authorization: authorization('s3') };

function authorization(service: 's3' | 'iam'): string {
  const credential = `test/20260101/us-east-1/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=host, Signature=0`;
}

async function call(url: string, init: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, { headers: testHeaders, ...init });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${init.method ?? 'GET'} ${url}: ${answer.status} ${text}`);
  return text;
}

function keysIn(document: string): readonly string[] {
  return [...document.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key = '']) => key);
}
