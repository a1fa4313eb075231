/** `ward project`, against a stand-in that stores deployments. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, test } from 'vitest';
import { makeHome, runWard, stubKey } from '../cli.fixture.ts';
import { objectOf, textOf } from '../entity-fields.ts';
import { startDeployedStub } from '../project/deployed.fixture.ts';
import { valuesOf } from '../project/difference.ts';
import { entryNames } from '../zip-entries.ts';

const api = await startDeployedStub();
const home = await makeHome();
afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await home[Symbol.asyncDispose]();
});
beforeEach(async () => {
  for (const kept of [api.entities, api.failing, api.routes]) kept.clear();
  api.writes.length = 0;
  await rm(join(home.path, 'app'), { recursive: true, force: true });
  await mkdir(join(home.path, 'app'), { recursive: true });
  await write('list.js', 'exports.main = () => ({});');
});

const shop = `
project:
  name: shop
  inputs: {GREETING: Hello}
  packages:
    shop:
      public: true
      inputs: {region: eu}
      annotations: {owner: us}
      actions:
        list:
          function: list.js
          web: true
          inputs: {greeting: $GREETING, limit: {type: integer, value: 3}}
          limits: {memorySize: 256, timeout: 1000}
          annotations: {note: x}
        count:
          code: "exports.main = () => ({n: 1});"
          runtime: nodejs
      sequences:
        outer: {actions: "inner, /_/shop/count"}
        inner: {actions: list}
      triggers:
        arrived: {inputs: {who: Ada}}
        nightly: {feed: /whisk.system/alarms/alarm, inputs: {cron: "0 3 * * *"}}
      rules:
        greet: {trigger: arrived, action: list}
      dependencies:
        tools: {location: /whisk.system/utils, inputs: {a: 1}}
      apis:
        the-shop: {shop: {books: {list: {method: get, response: http}}}}
`;

async function write(name: string, text: string): Promise<void> {
  await mkdir(join(home.path, 'app', name, '..'), { recursive: true });
  await writeFile(join(home.path, 'app', name), text);
}

async function ward(...words: readonly string[]) {
  return runWard(words, { home, env: { WARD_APIHOST: api.url, WARD_AUTH: stubKey } });
}

/** `[change, type, name, fields]` of a dry run. */
async function planOf(...words: readonly string[]): Promise<string[]> {
  const { code, stdout, stderr } = await ward(
    'project',
    'deploy',
    'app/manifest.yaml',
    '--dry-run',
    '-o',
    'json',
    ...words,
  );
  expect({ code, stderr: stderr.replaceAll(/^(?:note|with).*\n/gm, '') }).toEqual({ code: 0, stderr: '' });
  const rows: { change: string; type: string; name: string; fields: string[] }[] = JSON.parse(stdout);
  return rows.map(({ change, type, name, fields }) => [change, type, name, ...fields].join(' '));
}

async function deploy(...words: readonly string[]) {
  return ward('project', 'deploy', 'app/manifest.yaml', ...words);
}

test('deploys everything in the order of dependencies; a second run changes nothing', async () => {
  await write('manifest.yaml', shop);
  const first = await deploy();
  expect(first.stderr).toBe('ok: 10 created\n');
  expect(first.code).toBe(0);
  expect(api.writes).toEqual([
    'PUT packages/shop',
    'PUT packages/tools',
    'PUT actions/shop/list',
    'PUT actions/shop/count',
    'PUT actions/shop/inner',
    'PUT actions/shop/outer',
    'PUT triggers/arrived',
    'PUT triggers/nightly',
    'CREATE /guest/nightly',
    'PUT rules/greet',
    'createApi GET /shop/books',
  ]);
  expect(api.entities.get('actions/shop/list')).toMatchObject({
    exec: { kind: 'nodejs:24', code: 'exports.main = () => ({});' },
    limits: { memory: 256, timeout: 1000 },
  });
  expect(valuesOf(api.entities.get('actions/shop/list')?.['parameters'])).toEqual({
    greeting: 'Hello',
    limit: 3,
  });
  expect(valuesOf(api.entities.get('actions/shop/list')?.['annotations'])).toMatchObject({
    note: 'x',
    'web-export': true,
    final: true,
  });
  expect(api.entities.get('actions/shop/outer')).toMatchObject({
    exec: { kind: 'sequence', components: ['/guest/shop/inner', '/guest/shop/count'] },
  });
  expect(api.entities.get('rules/greet')).toMatchObject({
    trigger: { path: 'guest', name: 'arrived' },
    action: { path: 'guest/shop', name: 'list' },
  });
  expect(api.entities.get('packages/tools')).toMatchObject({
    binding: { namespace: 'whisk.system', name: 'utils' },
  });
  api.writes.length = 0;
  const second = await deploy();
  expect(second.stderr).toBe('ok: 10 unchanged\n');
  expect(api.writes).toEqual([]);
});

test('a dry run writes nothing, and names what would change, never a value', async () => {
  await write('manifest.yaml', shop);
  expect(await planOf()).toHaveLength(10);
  expect(api.writes).toEqual([]);
  await deploy();
  api.writes.length = 0;
  await write('list.js', 'changed');
  await write(
    'manifest.yaml',
    shop
      .replace('limit: {type: integer, value: 3}', 'secret: s3cret')
      .replace('memorySize: 256', 'memorySize: 512')
      .replace('annotations: {note: x}', 'annotations: {other: 1}')
      .replace('public: true', 'public: false')
      .replace('trigger: arrived', 'trigger: nightly')
      .replace('0 3 * * *', '0 4 * * *')
      .replace('inner, /_/shop/count', 'inner'),
  );
  const plan = await planOf();
  expect(plan.filter((row) => !row.startsWith('unchanged'))).toEqual([
    'update package shop shared',
    'update action shop/list code limits.memory parameters.limit parameters.secret annotations.note annotations.other',
    'update sequence shop/outer components',
    'update trigger nightly feed.cron',
    'update rule greet trigger',
  ]);
  expect(plan.join()).not.toContain('s3cret');
  expect(api.writes).toEqual([]);
  expect((await deploy()).code).toBe(0);
  expect(api.writes).toContain('UPDATE /guest/nightly');
  expect(valuesOf(api.entities.get('actions/shop/list')?.['annotations'])).not.toHaveProperty('note');
  expect((await planOf()).filter((row) => !row.startsWith('unchanged'))).toEqual([]);
});

test('a parameter that moves from an action to its package does not stay behind', async () => {
  const manifest = (inputs: string, own: string) =>
    `packages: {p: {inputs: ${inputs}, actions: {a: {code: x, runtime: nodejs, inputs: ${own}}}}}`;
  await write('manifest.yaml', manifest('{k: 1}', '{k: 1}'));
  await deploy();
  await write('manifest.yaml', manifest('{k: 2}', '{}'));
  await deploy();
  expect(api.entities.get('actions/p/a')?.['parameters']).toEqual([]);
});

test('entities of the default package have no package', async () => {
  await write('manifest.yaml', 'packages: {default: {actions: {a: {code: x, runtime: nodejs}}, rules: {}}}');
  await deploy();
  expect(api.writes).toEqual(['PUT actions/a']);
});

test('the older form, with one package', async () => {
  await write(
    'manifest.yaml',
    'package: {name: old, license: MIT, version: 1.0, actions: {a: {location: list.js}}}',
  );
  expect((await deploy()).code).toBe(0);
  expect(api.writes).toEqual(['PUT packages/old', 'PUT actions/old/a']);
});

test('a folder is zipped, the same each time', async () => {
  await write('src/index.js', 'x');
  await write('src/test/t.js', 'x');
  await write('manifest.yaml', 'packages: {p: {actions: {a: {function: src, exclude: [test]}}}}');
  await deploy();
  const { exec } = api.entities.get('actions/p/a') ?? {};
  expect(exec).toMatchObject({ kind: 'nodejs:24', code: expect.stringMatching(/^UEsDB/) });
  expect((await deploy()).stderr).toBe('ok: 2 unchanged\n');
});

test('a folder is sent without ignored files and likely secrets, and reports them', async () => {
  await write('fn/package.json', '{}');
  await write('fn/index.ts', 'export const main = () => ({});');
  await write('fn/.env', 'KEY=1');
  await write('fn/notes.md', '');
  await write('fn/.wardignore', '*.md\n');
  await write('manifest.yaml', 'packages: {shop: {actions: {list: {function: fn}}}}\n');
  const { code, stderr } = await deploy();
  expect(code).toBe(0);
  expect(stderr).toContain(
    'warning: left out .env, which may hold secrets; !.env in .wardignore puts it in\n',
  );
  expect(stderr).toContain('left out: notes.md\n');
  const { exec } = api.entities.get('actions/shop/list') ?? {};
  const zip = Buffer.from(textOf(objectOf(exec)['code']), 'base64');
  expect([...(await entryNames(zip, ''))]).toEqual(['index.ts', 'package.json']);
});

test('values come from the deployment file, the environment and the command line', async () => {
  const manifest =
    'packages: {p: {inputs: {a: 1, b: $B, c: 3}, actions: {x: {code: x, runtime: nodejs, annotations: {n: 1}}}}}';
  await write('manifest.yaml', manifest);
  await write(
    'deployment.yaml',
    'project: {packages: {p: {inputs: {a: 2, c: 4}, actions: {x: {annotations: {n: 2}}}}}}',
  );
  const outcome = await deploy('-p', 'c', '5');
  expect(outcome.stderr).toBe(
    'with app/deployment.yaml\nnote: no value for B: ward uses an empty value\nok: 2 created\n',
  );
  expect(valuesOf(api.entities.get('packages/p')?.['parameters'])).toEqual({ a: 2, b: '', c: 5 });
  expect(valuesOf(api.entities.get('actions/p/x')?.['annotations'])).toMatchObject({ n: 2 });
});

test('a failure reports what was done and what was not', async () => {
  await write('manifest.yaml', shop);
  api.failing.set('PUT triggers/arrived', 500);
  const { code, stdout, stderr } = await deploy();
  expect(code).toBe(1);
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/).slice(2, 4).join(' '))).toEqual([
    ...['NAME OUTCOME', 'shop done', 'tools done', 'shop/list done', 'shop/count done', 'shop/inner done'],
    ...[
      'shop/outer done',
      'arrived failed',
      'nightly not done',
      'greet not done',
      'GET /shop/books not done',
      '',
    ],
  ]);
  expect(stderr).toContain('error[SERVER_FAILED]: it was told to fail');
  api.failing.clear();
  expect((await deploy()).stderr).toBe('ok: 4 created, 6 unchanged\n');
});

test('a feed that refuses leaves no trigger', async () => {
  await write('manifest.yaml', shop);
  api.failing.set('CREATE /guest/nightly', 1);
  const { code, stderr } = await deploy();
  expect(code).toBe(1);
  expect(stderr).toContain('error[FEED_FAILED]');
  expect(api.entities.has('triggers/nightly')).toBe(false);
});

test('a trigger that changes its feed deletes the old one', async () => {
  await write('manifest.yaml', 'packages: {p: {triggers: {t: {feed: /whisk.system/alarms/alarm}}}}');
  await deploy();
  api.writes.length = 0;
  await write('manifest.yaml', 'packages: {p: {triggers: {t: {inputs: {a: 1}}}}}');
  await deploy();
  expect(api.writes).toEqual(['DELETE /guest/t', 'PUT triggers/t']);
  expect(valuesOf(api.entities.get('triggers/t')?.['annotations'])).toEqual({});
});

test('a managed project deletes only its own entities that left the manifest', async () => {
  await write('manifest.yaml', shop);
  expect((await deploy('--managed')).code).toBe(0);
  await ward('action', 'create', 'shop/other', 'app/list.js');
  await ward('trigger', 'create', 'mine');
  const mark = valuesOf(api.entities.get('actions/shop/list')?.['annotations'])['whisk-managed'];
  expect(mark).toMatchObject({ projectName: 'shop', projectDeps: [], file: 'manifest.yaml' });
  api.writes.length = 0;
  await write(
    'manifest.yaml',
    'project: {name: shop, packages: {shop: {actions: {list: {function: list.js}}}}}',
  );
  const synced = await ward('project', 'sync', 'app/manifest.yaml');
  expect(synced.code).toBe(0);
  expect(api.writes.filter((each) => each.startsWith('DELETE'))).toEqual([
    ...['DELETE rules/greet', 'DELETE triggers/arrived', 'DELETE /guest/nightly', 'DELETE triggers/nightly'],
    ...[
      'DELETE actions/shop/inner',
      'DELETE actions/shop/outer',
      'DELETE actions/shop/count',
      'DELETE packages/tools',
    ],
  ]);
  expect([...api.entities.keys()].toSorted()).toEqual([
    ...['actions/shop/list', 'actions/shop/other', 'packages/shop', 'triggers/mine'],
  ]);
  await write('manifest.yaml', 'packages: {shop: {}}');
  expect((await deploy('--managed')).code).toBe(2);
});

test('undeploy deletes the manifest’s entities, and keeps a package with other content', async () => {
  await write('manifest.yaml', shop);
  await deploy();
  await ward('action', 'create', 'shop/other', 'app/list.js');
  api.writes.length = 0;
  // Neither its code nor its values are needed for that.
  await rm(join(home.path, 'app/list.js'));
  const outcome = await ward('project', 'undeploy', 'app/manifest.yaml');
  expect(outcome.code).toBe(0);
  expect(outcome.stderr).toBe('ok: 9 deleted, 1 kept\n');
  expect(api.writes[0]).toBe('deleteApi GET /shop/books');
  expect([...api.entities.keys()].toSorted()).toEqual(['actions/shop/other', 'packages/shop']);
});

test('undeploy of a managed project needs only its name', async () => {
  await write('manifest.yaml', shop);
  await deploy('--managed');
  await rm(join(home.path, 'app/manifest.yaml'));
  const dry = await ward('project', 'undeploy', '--projectname', 'shop', '--preview');
  expect(dry.stdout).toMatch(/\ndelete +rule +greet/);
  expect(api.entities.size).toBe(9);
  expect((await ward('project', 'undeploy', '--projectname', 'shop')).code).toBe(0);
  expect([...api.entities.keys()]).toEqual([]);
});

test('the default is manifest.yaml in the working folder', async () => {
  await write('manifest.yaml', 'packages: {p: {}}');
  expect((await ward('project', 'deploy', '--project', 'app')).stderr).toBe('ok: 1 created\n');
  const none = await ward('project', 'deploy');
  expect(none.code).toBe(2);
  expect(none.stderr).toContain('. has no manifest.yaml');
});

test('a host or key in the manifest is ignored', async () => {
  await write(
    'manifest.yaml',
    'project: {apiHost: http://evil, credential: x, packages: {p: {namespace: other}}}',
  );
  const { code, stderr } = await deploy();
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^note: project\.apiHost, project\.credential, project\.packages\.p\.namespace not followed/,
  );
  expect(api.writes).toEqual(['PUT packages/p']);
});

const adobeAction =
  "a: {function: list.js, web: 'yes', runtime: nodejs, annotations: {require-adobe-auth: true";
test.each([
  ['app.config.yaml', 'application: {actions: actions, web: web-src, hooks: {}, runtimeManifest: {CONTENT}}'],
  ['ext.config.yaml', 'operations: {view: []}\nactions: actions\nruntimeManifest: {CONTENT}'],
  ['manifest.yml', '{CONTENT}'],
])('Adobe’s %s is deployed unchanged', async (file, text) => {
  const content = `packages: {__APP_PACKAGE__: {license: Apache-2.0, actions: {${adobeAction}, final: true}}, ${adobeAction.replace('a:', 'b:')}, require-whisk-auth: true}}}}}`;
  await write(file, text.replace('{CONTENT}', `{${content}}`));
  const { code, stderr } = await ward('project', 'deploy', `app/${file}`);
  expect(stderr).toBe('ok: 3 created\n');
  expect(code).toBe(0);
  expect(api.writes.toSorted()).toEqual([
    'PUT actions/__APP_PACKAGE__/a',
    'PUT actions/__APP_PACKAGE__/b',
    'PUT packages/__APP_PACKAGE__',
  ]);
});

const p = (content: string) => `packages: {p: {${content}}}`;
test.each([
  ['no packages', 'project: {name: x}', 'it needs packages'],
  ['packages twice', 'packages: {a: {}}\nproject: {packages: {b: {}}}', 'exactly one place'],
  ['a list', '[1]', 'manifest.yaml: Invalid input'],
  ['a key at the top', 'x: 1', "manifest.yaml: no such key: 'x'"],
  [
    'a part in Adobe’s form that includes a file',
    'runtimeManifest: {$include: x.yaml}',
    "no such key: '$include'",
  ],
  ['an unknown key', p('actoins: {}'), "packages.p: no such key: 'actoins'"],
  [
    'an unknown key at a deeper level',
    p('actions: {a: {code: x, runtime: nodejs, limits: {memry: 1}}}'),
    "limits: no such key: 'memry'",
  ],
  ['an alias', 'packages: {p: &p {}, q: *p}', 'aliases'],
  ['no code', p('actions: {a: {web: true}}'), 'packages.p.actions.a: it needs a function'],
  ['code without a kind', p('actions: {a: {code: x}}'), 'code needs a runtime'],
  ['a missing kind', p('actions: {a: {code: x, runtime: cobol}}'), "no kind 'cobol:default'"],
  ['a missing file', p('actions: {a: {function: none.js}}'), 'none.js does not exist'],
  ['a URL', p('actions: {a: {function: "https://x/y.js"}}'), 'not a URL'],
  ['include for a file', p('actions: {a: {function: list.js, include: [[x]]}}'), 'for a folder'],
  ['an unknown mode', p('actions: {a: {function: list.js, web: maybe}}'), 'web is true'],
  ['an API for a missing action', p('apis: {x: {y: {z: {none: GET}}}}'), 'no such action or sequence'],
  [
    'an API with an invalid verb',
    p('actions: {a: {function: list.js}}, apis: {x: {y: {z: {a: FETCH}}}}'),
    'not a verb',
  ],
  ['a repository', p('dependencies: {d: {location: github.com/a/b}}'), 'not the name of a package'],
  ['a name twice', p('triggers: {t: {}}, rules: {t: {trigger: t, action: a}}'), 'defined twice'],
  ['a required value', p('inputs: {a: {required: true}}'), 'no value for a'],
  ['a rule without an action', p('rules: {r: {trigger: t}}'), 'packages.p.rules.r.action'],
])('refuses %s before anything is written', async (_, manifest, words) => {
  await write('manifest.yaml', manifest);
  const { code, stderr } = await deploy();
  expect(stderr).toContain(words);
  expect(code).toBe(2);
  expect(api.writes).toEqual([]);
});

test.each([
  ['package', 'packages: {q: {inputs: {a: 1}}}', 'packages.q: the manifest has no such package'],
  ['action', p('actions: {z: {inputs: {a: 1}}}'), 'packages.p.actions.z'],
  ['trigger', p('triggers: {z: {inputs: {a: 1}}}'), 'packages.p.triggers.z'],
  ['annotation', p('annotations: {z: 1}'), "sets the annotation 'z'"],
  ['key', p('rules: {}'), "no such key: 'rules'"],
])('refuses a deployment file with an unknown %s', async (_, deployment, words) => {
  await write('manifest.yaml', p('actions: {a: {function: list.js}}'));
  await write('deployment.yaml', deployment);
  const { code, stderr } = await deploy();
  expect(stderr).toContain(words);
  expect(code).toBe(2);
  expect(api.writes).toEqual([]);
});
