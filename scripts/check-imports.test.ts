import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { runCommand } from '../src/lib/index.ts';
import { findViolations, readModules } from './check-imports.ts';

const script = fileURLToPath(new URL('./check-imports.ts', import.meta.url));

/** Writes the files into a new source folder, and passes it to `use`. */
async function withSources<Result>(
  files: Readonly<Record<string, string>>,
  use: (root: string) => Result | Promise<Result>,
): Promise<Result> {
  const root = await mkdtemp(join(tmpdir(), 'ward-imports-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
    }
    return await use(root);
  } finally {
    await rm(root, { recursive: true });
  }
}

const sound = {
  'lib/index.ts': "export * from './fault.ts';",
  'lib/fault.ts': "import { x } from 'node:fs';\nexport const fault = x;",
  'store/index.ts': "import { fault } from '../lib/index.ts';\nexport const store = fault;",
  'api/index.ts': "import type {\n  a,\n  b,\n} from '../store/index.ts';\nimport './routes/one.ts';",
  'api/routes/one.ts': "export { fault } from '../../lib/index.ts';",
};

test('valid sources have no violations, and every module is checked', async () => {
  await withSources(sound, (root) => {
    const modules = readModules(root);
    expect(modules.map((module) => module.path).toSorted()).toEqual(Object.keys(sound).toSorted());
    expect(findViolations(modules)).toEqual([]);
  });
});

const broken: readonly (readonly [rule: string, path: string, text: string, violation: string | RegExp])[] = [
  [
    'an upward import',
    'lib/bad.ts',
    "import { store } from '../store/index.ts';",
    'lib/bad.ts imports upwards: store/index.ts',
  ],
  [
    'an upward import of a type',
    'store/bad.ts',
    "import type { a } from '../api/index.ts';",
    'store/bad.ts imports upwards: api/index.ts',
  ],
  [
    'an import of a room on the same floor',
    'registry/index.ts',
    "import { a } from '../api/index.ts';",
    'registry/index.ts imports upwards: api/index.ts',
  ],
  [
    'an import past a room’s index.ts',
    'api/bad.ts',
    "import { fault } from '../lib/fault.ts';",
    'api/bad.ts bypasses the index.ts of lib: lib/fault.ts',
  ],
  [
    'a re-export past a room’s index.ts',
    'api/bad.ts',
    "export * from '../lib/fault.ts';",
    'api/bad.ts bypasses the index.ts of lib: lib/fault.ts',
  ],
  [
    'a lazy import upwards',
    'store/bad.ts',
    "export const load = () => import('../api/index.ts');",
    'store/bad.ts imports upwards: api/index.ts',
  ],
  [
    'an import for its effect past a room’s index.ts',
    'api/bad.ts',
    "import '../lib/fault.ts';",
    'api/bad.ts bypasses the index.ts of lib: lib/fault.ts',
  ],
  [
    'a suite past a room’s index.ts outside a test',
    'api/bad.ts',
    "import { faultSuite } from '../lib/fault.suite.ts';",
    'api/bad.ts bypasses the index.ts of lib: lib/fault.suite.ts',
  ],
  [
    'a fixture past a room’s index.ts outside a test',
    'api/bad.ts',
    "import { fakeFault } from '../lib/fault.fixture.ts';",
    'api/bad.ts bypasses the index.ts of lib: lib/fault.fixture.ts',
  ],
  [
    'a room without a floor',
    'attic/index.ts',
    "import { fault } from '../lib/index.ts';",
    "attic/index.ts: the room 'attic' has no floor",
  ],
  [
    'an import from outside the rooms',
    'api/bad.ts',
    "import { x } from '../../elsewhere.ts';",
    /^api\/bad\.ts imports .*elsewhere\.ts, which is not in a room$/,
  ],
];

test.each(broken)('%s is a violation', async (_, path, text, violation) => {
  await withSources({ ...sound, [path]: text }, (root) => {
    const violations = findViolations(readModules(root));
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(violation);
  });
});

test.each(['fault.suite.ts', 'fault.fixture.ts'])(
  'a test can use %s of a lower room past its index.ts',
  async (name) => {
    const using = { 'api/fault.test.ts': `import { fault } from '../lib/${name}';` };
    await withSources({ ...sound, ...using }, (root) => {
      expect(findViolations(readModules(root))).toEqual([]);
    });
  },
);

test('a circular import is a violation in every room', async () => {
  const circle = {
    'lib/a.ts': "import { b } from './b.ts';",
    'lib/b.ts': "import type { c } from './c.ts';",
    'lib/c.ts': "export const load = () => import('./a.ts');",
  };
  await withSources({ ...sound, ...circle }, (root) => {
    expect(findViolations(readModules(root))).toEqual(['circle: lib/a.ts → lib/b.ts → lib/c.ts → lib/a.ts']);
  });
});

test('two folders of a room that import each other are a violation', async () => {
  const folders = {
    'api/routes/two.ts': "import type { a } from '../web/page.ts';",
    'api/web/page.ts': "import { b } from '../routes/one.ts';",
    'api/routes/three.test.ts': "import type { a } from '../forms/form.ts';",
    'api/forms/form.ts': "import { b } from '../routes/one.ts';\nimport '../all.ts';",
    'api/all.ts': "import './forms/text.ts';",
  };
  await withSources({ ...sound, ...folders }, (root) => {
    expect(findViolations(readModules(root))).toEqual([
      'api/routes and api/web import each other: api/routes/two.ts imports api/web/page.ts, ' +
        'api/web/page.ts imports api/routes/one.ts',
    ]);
  });
});

test('text in a comment is not an import', async () => {
  const commented = { 'lib/bad.ts': "/*\nimport { store } from '../store/index.ts';\n*/" };
  await withSources({ ...sound, ...commented }, (root) => {
    expect(findViolations(readModules(root))).toEqual([]);
  });
});

test.each([
  ['sound sources', sound, 0, /^imports: 5 modules, 0 violations\n$/],
  ['a violation', { ...sound, 'lib/bad.ts': "import '../store/index.ts';" }, 1, /1 violations\n$/],
  ['nothing to look at', {}, 1, /^imports: 0 modules/],
])('as a command, %s', async (_, files, code, output) => {
  await withSources(files, async (root) => {
    const outcome = await runCommand([process.execPath, script, root]);
    expect(outcome.code).toBe(code);
    expect(outcome.stdout).toMatch(output);
  });
});
