/** The operator's settings for the sandboxes of a namespace, and its tenant’s attempts to undo them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

const allowAll = { defaultAction: 'SCMP_ACT_ALLOW' };
const without = (...names: string[]) => ({
  ...allowAll,
  syscalls: [{ names, action: 'SCMP_ACT_ERRNO', errnoRet: 30 }],
});

/** Returns the results of mkdir and symlink, and the kernel's name. */
const attempts = `import os
def main(args):
    def answer(action):
        try:
            action()
            return "done"
        except OSError as error:
            return error.errno
    path = "/tmp/" + os.urandom(8).hex()
    return {
        "mkdir": answer(lambda: os.mkdir(path)),
        "symlink": answer(lambda: os.symlink("/tmp", path + "l")),
        "kernel": os.uname().release,
    }
`;

describe.skipIf(missing !== undefined)(`the sandbox of a namespace${missing ? ` (${missing})` : ''}`, () => {
  let ward: Ward;
  let auth: string;
  beforeAll(async () => {
    ward = await Ward.start();
    auth = await ward.createNamespace('walled', [
      '--sandbox',
      JSON.stringify({ seccomp: without('mkdir', 'mkdirat') }),
    ]);
  });
  afterAll(() => ward?.[Symbol.asyncDispose]());

  const deploy = (name: string, sandbox: unknown, key?: string, exec: object = {}) =>
    ward.request('PUT', `/api/v1/namespaces/_/actions/${name}?overwrite=true`, {
      ...(key === undefined ? {} : { auth: key }),
      body: {
        exec: { kind: 'python:3.13', code: attempts, ...exec },
        annotations: sandbox === undefined ? [] : [{ key: 'sandbox', value: sandbox }],
      },
    });
  const answers = async (name: string, key: string) =>
    (await ward.invoke(name, {}, key)).body.response?.result;

  it.each<[string, unknown, mkdir: unknown, symlink: unknown]>([
    ['without an annotation', undefined, 30, 'done'],
    ['with a profile that allows everything', { seccomp: allowAll }, 30, 'done'],
    [
      'with a profile that names the call',
      { seccomp: { ...allowAll, syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ALLOW' }] } },
      30,
      'done',
    ],
    ['with an empty annotation', { seccomp: null, tier: null }, 30, 'done'],
    ['with a profile that removes another call', { seccomp: without('symlink', 'symlinkat') }, 30, 30],
  ])('keeps its seccomp profile for an action %s', async (_, sandbox, mkdir, symlink) => {
    expect((await deploy('tries', sandbox, auth)).status).toBe(200);
    expect(await answers('tries', auth)).toMatchObject({ mkdir, symlink });
  });

  it('is the caller’s for an action of another’s shared package', async () => {
    const publish = await ward.request('PUT', '/api/v1/namespaces/_/packages/shared?overwrite=true', {
      body: { publish: true },
    });
    expect(publish.status).toBe(200);
    const sandbox = { seccomp: allowAll };
    expect((await deploy('shared/tries', sandbox)).status).toBe(200);
    const { body } = await ward.request(
      'POST',
      '/api/v1/namespaces/guest/actions/shared/tries?blocking=true',
      {
        auth,
        body: {},
      },
    );
    expect(body.response.result).toMatchObject({ mkdir: 30, symlink: 'done' });
  });

  it('keeps its tier, whatever the action asks for', async () => {
    const key = await ward.createNamespace('own-kernel', ['--sandbox', 'gvisor']);
    await deploy('plain', undefined, auth);
    const host = (await answers('plain', auth)).kernel;
    for (const sandbox of [{ tier: null }, { seccomp: allowAll }, {}]) {
      expect((await deploy('tries', sandbox, key)).status).toBe(200);
      const { kernel } = await answers('tries', key);
      expect(kernel).toMatch(/^\d/);
      expect(kernel).not.toBe(host);
    }
    const image = await deploy('image', undefined, key, { kind: 'blackbox', image: 'guest/app:1', code: '' });
    expect(image.status).toBeGreaterThanOrEqual(400);
  });
});
