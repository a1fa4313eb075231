import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  logsOf,
  ok,
  type RunnerOptions,
  sentinel,
  TestRunner,
  nodeText as text,
  nodeZip as zip,
} from './test-runner.ts';

type Files = RunnerOptions['files'];
const json = JSON.stringify;

describe('text code', () => {
  const cases: [title: string, code: string, main?: string][] = [
    ['a function declaration', 'function main({ name }) { return { name } }'],
    ['an async function', 'async function main({ name }) { return { name } }'],
    ['a constant', 'const main = ({ name }) => ({ name })'],
    ['a variable', 'var main; main = function ({ name }) { return { name } }'],
    ['exports.main', 'exports.main = ({ name }) => ({ name })'],
    ['module.exports', 'module.exports = { main: ({ name }) => ({ name }) }'],
    ['another name', 'function Über$({ name }) { return { name } }', 'Über$'],
    ['an exported name that is a reserved word', 'exports.default = ({ name }) => ({ name })', 'default'],
    ['a path', 'const handlers = { go: ({ name }) => ({ name }) }', 'handlers.go'],
    ['an exported path', 'exports.handlers = { go: ({ name }) => ({ name }) }', 'handlers.go'],
    ['a comment at the end', 'function main({ name }) { return { name } } // the end'],
    ['a hashbang', '#!/usr/bin/env node\nfunction main({ name }) { return { name } }'],
    ['a byte order mark', '\uFEFFfunction main({ name }) { return { name } }'],
    ['strict mode', '"use strict";\nfunction main({ name }) { return { name } }'],
    ['an early return', 'exports.main = ({ name }) => ({ name });\nif (exports) return;\n'],
    ['built-in modules', 'const os = require("os"); const main = ({ name }) => ({ name: os.EOL && name })'],
    ['import() in CommonJS', 'const main = async (p) => ({ name: (await import("node:os")).EOL && p.name })'],
    ['an exported function of an ES module', 'export function main({ name }) { return { name } }'],
    ['an ES module with imports', 'import os from "node:os";\nexport const main = (p) => os && p'],
    ['an ES module that awaits', 'await null;\nexport const main = (p) => p'],
    ['an ES module with import.meta', 'const main = (p) => import.meta.url && p;\nexport { main }'],
    ['a default export', 'export default { main: (p) => p }'],
    ['TypeScript', 'type P = { name: string };\nfunction main({ name }: P): P { return { name } }'],
    ['TypeScript with exports', 'exports.main = ({ name }: { name: string }) => ({ name })'],
    ['TypeScript, an ES module', 'export function main({ name }: { name: string }) { return { name } }'],
    [
      'TypeScript, an ES module with imports first, that awaits',
      'import os from "node:os";\nimport type { X } from "./x.ts";\nawait null;\nexport const main = async (p: X) => import.meta.url && os && p',
    ],
    ['TypeScript with an exported path', 'export const on = { go: <T,>(p: T): T => p! };', 'on.go'],
    ['JavaScript that looks like types', 'const a = 1, b = 2; const main = (p) => (a<b>(2), p)'],
  ];
  it.each(cases)('%s', async (_title, code, main = 'main') => {
    await using runner = text(code, { main });
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    expect(await runner.run({ name: 'World' })).toEqual(ok({ name: 'World' }));
    expect(await runner.close()).toEqual({
      exit: 0,
      stdout: `${sentinel}\n`.repeat(2),
      stderr: `${sentinel}\n`.repeat(2),
    });
  });

  it('names the TypeScript construct that needs compiling, and logs no warning', async () => {
    await using runner = text('const main = (p: object) => p;\nenum Color { Red }\n');
    const reply = await runner.init();
    expect(reply).toMatchObject({ type: 'init-error' });
    const { error } = reply as { error: string };
    expect(error).toMatch(/index\.js:2\n(?:.*\n)?enum Color/);
    expect(error).toContain('TypeScript enum is not supported');
    expect(error).toContain('nothing is compiled');
    expect((await runner.close()).stderr).not.toContain('Warning');
  });

  it.each([
    ['not TypeScript either', 'const main = (p: object) => ;', /Unexpected token|missing/i],
    ['an ES module', 'export const main = (p) => ;', /Unexpected token/],
  ])('reports the syntax errors of JavaScript when the code is %s', async (_title, code, message) => {
    await using runner = text(code);
    expect(await runner.init()).toMatchObject({
      type: 'init-error',
      error: expect.stringMatching(message),
    });
  });

  it('loads code that throws a SyntaxError itself only once', async () => {
    await using runner = text('console.log("loaded"); exports.main = (p) => p; JSON.parse("{");');
    expect(await runner.init()).toMatchObject({ type: 'init-error' });
    expect((await runner.close()).stdout.match(/loaded/g)).toHaveLength(1);
  });

  it('runs in the working directory that the host chose, with a CommonJS environment', async () => {
    await using runner = text(
      'const main = () => ({ cwd: process.cwd(), __filename, __dirname, isMain: require.main === module })',
    );
    await runner.init();
    const { folder } = runner;
    expect(await runner.run()).toEqual(
      ok({ cwd: '/tmp', __filename: join(folder, 'index.js'), __dirname: folder, isMain: false }),
    );
  });
});

describe('zip code', () => {
  const main = 'exports.main = ({ name }) => ({ name })';
  const cases: [title: string, files: Files, main?: string][] = [
    ['index.js alone', { 'index.js': main }],
    ['package.json with main', { 'package.json': json({ main: 'lib/app.js' }), 'lib/app.js': main }],
    ['package.json without main', { 'package.json': '{}', 'index.js': main }],
    ['index.mjs alone', { 'index.mjs': 'export const main = ({ name }) => ({ name })' }],
    ['index.ts alone', { 'index.ts': 'export const main = (p: { name: string }) => p' }],
    [
      'a TypeScript main with a module beside it, and a tsconfig that says otherwise',
      {
        'package.json': json({ main: 'src/app.ts', type: 'module' }),
        'tsconfig.json': '{ "extends": "./none.json", "compilerOptions": { "module": "amd", } ',
        'src/app.ts': 'import { id } from "./id.ts";\nexport const main = (p: object) => id(p)',
        'src/id.ts': 'export const id = <T>(value: T): T => value;',
      },
    ],
    ['CommonJS in TypeScript', { 'index.ts': 'exports.main = (p: { name: string }) => p' }],
    [
      'a TypeScript file and a function',
      { 'lib/handler.ts': 'export const go = (p: object) => p' },
      'lib/handler.go',
    ],
    ['a file and a function', { 'handler.js': 'exports.go = (p) => p' }, 'handler.go'],
    ['a file in a folder', { 'lib/handler.js': 'exports.go = (p) => p' }, 'lib/handler.go'],
    ['a file and a path', { 'handler.js': 'exports.on = { go: (p) => p }' }, 'handler.on.go'],
    [
      'dependencies',
      {
        'index.js': 'exports.main = require("dep")',
        'node_modules/dep/index.js': 'module.exports = (p) => p',
      },
    ],
    [
      'JSON files',
      { 'index.js': 'exports.main = () => require("./data.json")', 'data.json': json({ name: 'World' }) },
    ],
    [
      'its own folder as working directory',
      {
        'index.js': 'exports.main = () => JSON.parse(require("fs").readFileSync("data.json"))',
        'data.json': json({ name: 'World' }),
      },
    ],
    [
      'executables',
      {
        'index.js':
          'exports.main = (p) => JSON.parse(require("child_process").execFileSync("./tool", [p.name]))',
        tool: `#!${process.execPath}\nconsole.log(JSON.stringify({ name: process.argv[2] }))`,
      },
    ],
    [
      'an ES module by type',
      { 'package.json': json({ type: 'module', main: 'app.js' }), 'app.js': 'export const main = (p) => p' },
    ],
    [
      'an ES module by extension',
      { 'package.json': json({ main: 'app.mjs' }), 'app.mjs': 'export const main = (p) => p' },
    ],
    ['an ES module by syntax', { 'index.js': 'export const main = (p) => p' }],
    [
      'an ES module that awaits',
      { 'package.json': json({ main: 'app.mjs' }), 'app.mjs': 'await null; export const main = (p) => p' },
    ],
    [
      'an ES module with dependencies',
      {
        'package.json': json({ type: 'module' }),
        'index.js': 'import dep from "dep"; export const main = dep',
        'node_modules/dep/index.js': 'module.exports = (p) => p',
      },
    ],
    ['CommonJS by extension', { 'package.json': json({ type: 'module', main: 'app.cjs' }), 'app.cjs': main }],
  ];
  it.each(cases)('%s', async (_title, files, mainName) => {
    await using runner = zip(files, mainName);
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    expect(await runner.run({ name: 'World' })).toEqual(ok({ name: 'World' }));
    expect((await runner.close()).stderr).toBe(`${sentinel}\n`.repeat(2));
  });

  const addon = join(
    import.meta.dirname,
    '../node_modules/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node',
  );
  it.skipIf(!existsSync(addon))('native addons', async () => {
    await using runner = zip({
      'index.js':
        'const addon = require("./addon.node"); exports.main = () => ({ type: typeof addon.transform })',
      'addon.node': readFileSync(addon),
    });
    expect(await runner.init()).toEqual({ type: 'init-ok' });
    expect(await runner.run()).toEqual(ok({ type: 'function' }));
  });
});

describe('code that can not be loaded', () => {
  const cases: [title: string, files: Files, error: string, main?: string, binary?: boolean][] = [
    ['a syntax error', { 'index.js': 'function main( {' }, 'SyntaxError: Unexpected end of input'],
    [
      'a syntax error in an ES module',
      { 'index.js': 'export const main = ;' },
      "SyntaxError: Unexpected token ';'",
    ],
    [
      'an exception',
      { 'index.js': 'throw new TypeError("at load")' },
      'TypeError: at load\n    at Object.<anonymous>',
    ],
    [
      'an exception in an ES module',
      { 'index.js': 'export const main = null.x' },
      'TypeError: Cannot read properties of null',
    ],
    ['a thrown string', { 'index.js': 'throw "at load"' }, 'at load'],
    [
      'an exception without a prototype',
      { 'index.js': 'throw Object.create(null)' },
      'a value that has no text',
    ],
    ['a missing module', { 'index.js': 'require("nope")' }, "Error: Cannot find module 'nope'"],
    ['no main', { 'index.js': 'function other() {}' }, "Action entrypoint 'main' is not a function."],
    [
      'no main in an ES module',
      { 'index.js': 'import "node:os"; function main() {}' },
      "Action entrypoint 'main' is not a function.",
    ],
    [
      'a main that is not a function',
      { 'index.js': 'const main = {}' },
      "Action entrypoint 'main' is not a function.",
    ],
    ['a path that ends', { 'index.js': 'const a = {}' }, "Action entrypoint 'a.b' is not a function.", 'a.b'],
    [
      'a main that is not a name',
      { 'index.js': 'x = 1' },
      "Action entrypoint '(() => 1)' is not a function.",
      '(() => 1)',
    ],
    [
      'a failed import',
      { 'index.js': 'import x from "nope"; export const main = x' },
      'Error [ERR_MODULE_NOT_FOUND]: Cannot find package',
    ],
    [
      'a rejection while it loads',
      { 'index.js': 'export const main = await Promise.reject(new Error("no"))' },
      'Error: no',
    ],
    [
      'an exception from a timer while it loads',
      { 'index.js': 'setTimeout(() => { throw new Error("late") }); await new Promise(() => {}); export {}' },
      'Error: late',
    ],
    [
      'a zip without an entry',
      { 'app.js': '' },
      'Zipped actions must contain either package.json or index.js at the root.',
      'main',
      true,
    ],
    [
      'a zip with an entry that is missing',
      { 'package.json': '{"main":"app.js"}' },
      'Error: Cannot find module',
      'main',
      true,
    ],
    ['a zip without the named file', { 'index.js': '' }, 'Error: Cannot find module', 'app.main', true],
    [
      'a zip without the named function',
      { 'app.js': '' },
      "Action entrypoint 'app.main' is not a function.",
      'app.main',
      true,
    ],
    [
      'a zip with a broken package.json',
      { 'package.json': '{' },
      'Error: Invalid package config',
      'main',
      true,
    ],
  ];
  it.each(cases)('%s', async (_title, files, error, main = 'main', binary = false) => {
    await using runner = new TestRunner('nodejs', { files, main, binary });
    const answer = await runner.init();
    expect(answer).toEqual({ type: 'init-error', error: expect.stringContaining(error) });
    const { stdout, stderr } = await runner.close();
    expect(stdout).toBe(`${sentinel}\n`);
    expect(stderr).toMatch(/^Error during initialization: /u);
    expect(logsOf(stderr)).toHaveLength(2);
  });
});
