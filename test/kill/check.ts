/** Checks that a server, after a kill and a restart, still has everything that it had acknowledged. */
import { readdir } from 'node:fs/promises';
import type { Ward } from '../ward.ts';
import type { Ledger, Pushed } from './ledger.ts';

const names = '/api/v1/namespaces/_';

/** @throws Error that lists what is lost or changed */
export async function checkLedger(ward: Ward, ledger: Ledger): Promise<void> {
  const lost: string[] = [];
  await Promise.all([...ledger.entities].map(([path]) => checkEntity(ward, ledger, path, lost)));
  const started = await Promise.all([...ledger.fired].map((id) => checkFiring(ward, id, lost)));
  await Promise.all([...ledger.invoked, ...started.flat()].map((id) => checkActivation(ward, id, lost)));
  await Promise.all(ledger.pushed.map((image) => checkImage(ward, image, lost)));
  if (lost.length > 0) throw new Error(`${lost.length} things are lost:\n${lost.slice(0, 20).join('\n')}`);
  // Ended activations no longer change; entities do.
  ledger.invoked.clear();
  ledger.fired.clear();
  ledger.pushed.splice(0, ledger.pushed.length - 3);
  for (const path of [...ledger.entities.keys()].filter((each) => each.includes('/new-')).slice(0, -20))
    ledger.entities.delete(path);
}

async function checkEntity(ward: Ward, { entities }: Ledger, path: string, lost: string[]): Promise<void> {
  const { acknowledged = 0, attempted = 0 } = entities.get(path) ?? {};
  const { status, body } = await ward.request('GET', `${names}/${path}`);
  if (status === 404 && acknowledged === 0) return;
  const version =
    status === 200 ? Number(body.parameters.find(({ key }: { key: string }) => key === 'version')?.value) : 0;
  if (status !== 200 || !(version >= acknowledged && version <= attempted))
    lost.push(`${path} is ${status}, version ${version}; it should be ${acknowledged} to ${attempted}`);
  else if (path.startsWith('actions/') && !body.exec.code.includes(`version: ${version} `))
    lost.push(`${path} has the code of another version`);
  // A write without an answer counts from now on.
  if (status === 200) entities.set(path, { acknowledged: version, attempted });
}

/** Checks that it ran, or is recorded as interrupted. */
async function checkActivation(ward: Ward, id: string, lost: string[]): Promise<void> {
  const record = await ended(ward, id);
  if (record === undefined) lost.push(`the activation ${id} is missing`);
  else if (!record.response.success && !/interrupted/i.test(JSON.stringify(record.response.result)))
    lost.push(`the activation ${id} ended as ${JSON.stringify(record.response)}`);
}

/** Checks the activations that the firing has started. */
async function checkFiring(ward: Ward, id: string, lost: string[]): Promise<readonly string[]> {
  const record = await ended(ward, id);
  if (record === undefined) {
    lost.push(`the firing ${id} is missing`);
    return [];
  }
  const started = record.logs.map((line: string) => JSON.parse(line).activationId);
  if (started.length !== 1) lost.push(`the firing ${id} has started ${started.length} activations`);
  return started;
}

async function ended(ward: Ward, id: string) {
  for (;;) {
    const { status, body } = await ward.request('GET', `${names}/activations/${id}`);
    if (status === 404 && body.pending === undefined) return undefined;
    if (status === 200) return body;
    if (status !== 404) throw new Error(`the activation ${id}: ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function checkImage(ward: Ward, { tag, manifest, blobs }: Pushed, lost: string[]): Promise<void> {
  const read = async (path: string) => {
    const response = await fetch(`${ward.url}/v2/guest/app/${path}`, {
      headers: { authorization: `Basic ${Buffer.from(ward.auth).toString('base64')}` },
    });
    return response.ok ? Buffer.from(await response.arrayBuffer()) : undefined;
  };
  if ((await read(`manifests/${tag}`))?.equals(manifest) !== true) lost.push(`the image ${tag} has changed`);
  const { config, layers } = JSON.parse(manifest.toString());
  for (const { digest } of [...layers, config]) {
    const bytes = await read(`blobs/${digest}`);
    if (!blobs.some((blob) => bytes?.equals(blob))) lost.push(`the blob ${digest} of ${tag} has changed`);
  }
}

/** Names of files and folders that were unfinished when the server died. */
export async function halfMade(dataDir: string): Promise<string[]> {
  const all = await readdir(dataDir, { recursive: true });
  return all.filter((path) => /(^|\/)\.[^/]*$/.test(path) || /(^|\/)uploads\/./.test(path)).sort();
}
