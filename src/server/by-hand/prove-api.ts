/** Runs a real API with two tenants, which the attack suite attacks from inside sandboxes. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createApi, sandboxEntrance } from '../../api/index.ts';
import { createAdmissionControl } from '../../dispatch/index.ts';
import { createFunctions, createVault } from '../../functions/index.ts';
import { randomHex, silentLog } from '../../lib/index.ts';
import type { OpenAttackedApi } from '../../prover/index.ts';
import { openStore } from '../../store/index.ts';
import { buildInfo } from '../build-info.ts';

const [attacker, victim] = ['prove', 'victim'];

/** @param enter accepts connections of sandboxes; a test replaces it to check that the suite notices */
export function attackedApi(enter: typeof sandboxEntrance = sandboxEntrance): OpenAttackedApi {
  return async ({ invoker, blobs }) => {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'ward-prove-api-'));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const store = stack.use(await openStore({ path: join(folder, 'ward.db') }));
    const vaultSecret = randomBytes(32);
    const functions = createFunctions({
      ...{ store, blobs, dispatcher: invoker, log: silentLog, apiHost: () => 'http://127.0.0.1:1' },
      admission: createAdmissionControl(),
      vault: createVault(() => [{ id: 'prove', secret: vaultSecret }]),
      isAlone: true,
    });
    stack.defer(() => functions.close(0));
    const secret = randomHex(16);
    const api = createApi({
      ...{ functions, build: buildInfo, log: silentLog },
      metrics: { contentType: 'text/plain', token: undefined, text: async () => secret },
      // The registry adds its own routes in the same way.
      plugins: [
        (app) => void app.get('/v2/_catalog', { config: { access: 'own-check' } }, async () => secret),
      ],
    });
    stack.defer(() => api.close());
    await api.ready();
    const [key, victimKey] = [
      await functions.namespaces.create(attacker),
      await functions.namespaces.create(victim),
    ];
    const put = async (of: string, path: string, payload: object) => {
      const authorization = `Basic ${Buffer.from(of).toString('base64')}`;
      const url = `/api/v1/namespaces/_/${path}`;
      const { statusCode, body } = await api.inject({
        method: 'PUT',
        url,
        headers: { authorization },
        payload,
      });
      if (statusCode !== 200) throw new Error(`${path}: ${body}`);
    };
    const exec = { kind: 'python:default', code: `def main(args): return {"own": "${secret}"}` };
    const parameters = [{ key: 'password', value: secret }];
    await put(key, 'actions/own', { exec: { ...exec, code: 'def main(args): return {}' } });
    await put(victimKey, 'actions/secret', { exec, parameters });
    await put(victimKey, 'packages/vault', { parameters });
    await put(victimKey, 'triggers/bell', { parameters });
    const { key: lesserKey } = await functions.namespaces.createKey(attacker, { scope: 'read' });
    const opened = stack.move();
    return {
      connect: enter(api, functions),
      facts: { key, lesserKey, victim, victimKey, secret },
      [Symbol.asyncDispose]: () => opened.disposeAsync(),
    };
  };
}
