/** Actions that last until the test releases them, because no fixed time is right on a busy machine. */
import type { Ward } from './ward.ts';

export interface HeldAction {
  /** Resolves once a call of the action runs. */
  begun(): Promise<void>;
  /** Lets its calls end from now on. */
  release(): Promise<void>;
}

/** Deploys an action that prints "begun", waits for `release`, prints "released" and returns `{ done: true }`. */
export async function deployHeld(ward: Ward, name: string, auth: string = ward.auth): Promise<HeldAction> {
  const triggers = '/api/v1/namespaces/_/triggers';
  const code = `exports.main = async () => {
    const { __OW_API_HOST: host, __OW_API_KEY: key } = process.env;
    const ask = async (method, name) => {
      const headers = { authorization: 'Basic ' + btoa(key), 'content-type': 'application/json' };
      const body = method === 'PUT' ? '{}' : undefined;
      return (await fetch(host + '${triggers}/${name}-' + name, { method, headers, body })).status;
    };
    console.log('begun');
    await ask('PUT', 'begun?overwrite=true');
    while ((await ask('GET', 'released')) !== 200) await new Promise((done) => setTimeout(done, 20));
    console.log('released');
    return { done: true };
  };`;
  const deployed = await ward.request('PUT', `/api/v1/namespaces/_/actions/${name}`, {
    auth,
    body: {
      exec: { kind: 'nodejs:24', code },
      annotations: [{ key: 'provide-api-key', value: true }],
      limits: { timeout: 100_000 },
    },
  });
  if (deployed.status !== 200) throw new Error(JSON.stringify(deployed.body));
  const isThere = async (trigger: string) =>
    (await ward.request('GET', `${triggers}/${name}-${trigger}`, { auth })).status === 200;
  return {
    begun: () => ward.until(() => isThere('begun')),
    async release() {
      await ward.request('PUT', `${triggers}/${name}-released`, { auth, body: {} });
    },
  };
}
