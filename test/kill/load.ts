/** Clients that make every kind of change, one after the other, until their server is gone. */
import { digestOf } from '../../src/blobs/index.ts';
import { manifestType, seededImage } from '../fuzz/fixtures.ts';
import type { Ward } from '../ward.ts';
import type { Ledger } from './ledger.ts';

const code = `function main(p) {
  return new Promise((done) => setTimeout(() => done({ marker: p.marker }), Math.random() * 50));
}`;

/** Creates once what the clients call and fire. */
export async function deployAll(ward: Ward): Promise<void> {
  const made = [
    await ward.deploy('called', code, { limits: { memory: 128, timeout: 10_000 } }),
    await ward.request('PUT', '/api/v1/namespaces/_/triggers/fired', { body: {} }),
    await ward.request('PUT', '/api/v1/namespaces/_/rules/rule', {
      body: { trigger: '/_/fired', action: '/_/called' },
    }),
  ];
  const refused = made.find(({ status }) => status !== 200);
  if (refused !== undefined) throw new Error(`${refused.status}: ${JSON.stringify(refused.body)}`);
}

/** Resolves when every client has found its server gone. */
export async function load(ward: Ward, ledger: Ledger, round: number): Promise<void> {
  const clients = [
    ...Array.from({ length: 4 }, () => () => invoke(ward, ledger)),
    ...Array.from({ length: 2 }, () => () => call(ward, ledger)),
    ...Array.from({ length: 2 }, () => () => fire(ward, ledger)),
    ...['actions/a1', 'actions/a2', 'triggers/t1', 'packages/p1'].map(
      (name) => () => update(ward, ledger, name),
    ),
    counted((count) => create(ward, ledger, `actions/new-${round}-${count}`)),
    // Each push is seven requests and a scan.
    ...['a', 'b'].map((name) => counted((count) => push(ward, ledger, `${round}-${name}-${count}`))),
  ];
  await Promise.all(clients.map(untilGone));
}

function counted(work: (count: number) => Promise<void>): () => Promise<void> {
  let count = 0;
  return () => work(count++);
}

async function untilGone(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await work();
    } catch (error) {
      // fetch throws this when the connection breaks or is refused.
      if (error instanceof TypeError && /fetch failed|terminated/.test(error.message)) return;
      throw error;
    }
  }
}

async function invoke(ward: Ward, { invoked, answered }: Ledger): Promise<void> {
  const { status, body } = await ward.request('POST', '/api/v1/namespaces/_/actions/called', { body: {} });
  expectStatus('a call', status, 202, body);
  invoked.add(body.activationId);
  answered.calls++;
}

async function call(ward: Ward, ledger: Ledger): Promise<void> {
  const { status, body } = await ward.invoke('called', { marker: 7 });
  expectStatus('a blocking call', status, 200, body);
  if (body.response.result.marker !== 7) throw new Error(`another's result: ${JSON.stringify(body)}`);
  ledger.answered.blockingCalls++;
}

async function fire(ward: Ward, { fired, answered }: Ledger): Promise<void> {
  const { status, body } = await ward.request('POST', '/api/v1/namespaces/_/triggers/fired', { body: {} });
  expectStatus('a firing', status, 202, body);
  fired.add(body.activationId);
  answered.firings++;
}

async function update(ward: Ward, { entities, answered }: Ledger, path: string): Promise<void> {
  const before = entities.get(path) ?? { acknowledged: 0, attempted: 0 };
  const attempted = before.attempted + 1;
  entities.set(path, { ...before, attempted });
  const { status, body } = await ward.request('PUT', `/api/v1/namespaces/_/${path}?overwrite=true`, {
    body: contentOf(path, attempted),
  });
  expectStatus(`an update of ${path}`, status, 200, body);
  entities.set(path, { acknowledged: attempted, attempted });
  answered.writes++;
}

async function create(ward: Ward, { entities, answered }: Ledger, path: string): Promise<void> {
  const { status, body } = await ward.request('PUT', `/api/v1/namespaces/_/${path}`, {
    body: contentOf(path, 1),
  });
  expectStatus(`the creation of ${path}`, status, 200, body);
  entities.set(path, { acknowledged: 1, attempted: 1 });
  answered.writes++;
}

/** Different code for each version, so that blobs come and go. */
function contentOf(path: string, version: number): object {
  const parameters = [{ key: 'version', value: version }];
  if (!path.startsWith('actions/')) return { parameters };
  const own = `function main() { return { version: ${version} }; } // ${path} ${'x'.repeat(5000)}`;
  return { exec: { kind: 'nodejs:24', code: own }, limits: { memory: 128 }, parameters };
}

async function push(ward: Ward, { pushed, answered }: Ledger, tag: string): Promise<void> {
  const { manifest, blobs } = await seededImage(`${tag}${'y'.repeat(50_000)}`);
  const send = async (
    method: string,
    path: string,
    body: Buffer | undefined,
    type: string,
    wanted: number,
  ) => {
    const reply = await ward.request(method, path, {
      headers: { 'content-type': type },
      ...(body && { body }),
    });
    expectStatus(`${method} ${path}`, reply.status, wanted, reply.body);
    return reply.headers.get('location') ?? '';
  };
  const bytes = 'application/octet-stream';
  for (const blob of blobs) {
    const location = await send('POST', '/v2/guest/app/blobs/uploads/', undefined, bytes, 202);
    const path = new URL(location, ward.url).pathname;
    await send('PATCH', path, blob.subarray(0, 100), bytes, 202);
    await send('PUT', `${path}?digest=${digestOf(blob)}`, blob.subarray(100), bytes, 201);
  }
  await send('PUT', `/v2/guest/app/manifests/${tag}`, manifest, manifestType, 201);
  pushed.push({ tag, manifest, blobs });
  answered.pushes++;
}

function expectStatus(what: string, status: number, wanted: number, body: unknown): void {
  if (status === wanted) return;
  throw new Error(`${what} was answered with ${status}: ${JSON.stringify(body).slice(0, 300)}`);
}
