/** Actions that are not just a text, on real sandboxes: archives with dependencies, programs, examples. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actionLoopElf, missingForElf } from './elf.ts';
import { developer, failed, outcomeOf as outcomeIn, type Source } from './outcome.ts';
import { missingForSandboxes, Ward } from './ward.ts';

const missing = missingForSandboxes();

let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start();
  await ward.raiseLimits();
});
afterAll(() => ward?.[Symbol.asyncDispose]());

const outcomeOf = (source: Source, payload: object = {}) => outcomeIn(ward, source, payload);

describe.skipIf(missing !== undefined)(`an action${missing ? ` (${missing})` : ''}`, () => {
  describe('that is an archive', () => {
    const greet = { greeting: 'hi' };
    const cases: [title: string, source: Source][] = [
      [
        'of Node.js with its modules',
        {
          kind: 'nodejs:default',
          code: {
            'package.json': '{"main": "app.js", "dependencies": {"greet": "1"}}',
            'app.js': 'exports.main = require("greet")',
            'node_modules/greet/package.json': '{"name": "greet", "version": "1.0.0", "main": "lib.js"}',
            'node_modules/greet/lib.js': 'module.exports = () => ({ greeting: "hi" })',
          },
        },
      ],
      [
        'of Node.js, by a file and a function',
        { kind: 'nodejs:22', code: { 'web.js': 'exports.go = () => ({ greeting: "hi" })' }, main: 'web.go' },
      ],
      [
        'of Python with its virtual environment',
        {
          kind: 'python:default',
          code: {
            '__main__.py': 'from greet import main',
            'virtualenv/lib/python3.13/site-packages/greet/__init__.py':
              'main = lambda args: {"greeting": "hi"}',
          },
        },
      ],
      [
        'of Python, by a file and a function',
        {
          kind: 'python:default',
          code: { 'web.py': 'def go(args): return {"greeting": "hi"}' },
          main: 'web.go',
        },
      ],
      [
        'of Ruby with its gems',
        {
          kind: 'ruby:default',
          code: {
            'main.rb': 'require "greet"\nrequire "own"\ndef niam(args) = Greet.hi.merge(OWN)',
            'own.rb': 'OWN = {}',
            'vendor/bundle/ruby/3.3.0/gems/greet-1.0/lib/greet.rb':
              'module Greet; def self.hi = { greeting: "hi" }; end',
            'vendor/bundle/ruby/3.3.0/specifications/greet-1.0.gemspec':
              'Gem::Specification.new { |s| s.name = "greet"; s.version = "1.0"; s.summary = s.author = "x"; s.require_paths = ["lib"]; s.add_dependency "json" }',
          },
          main: 'niam',
        },
      ],
      [
        'of PHP with its packages',
        {
          kind: 'php:default',
          code: {
            'index.php':
              '<?php\n$hi = "hi";\nfunction niam(array $args) { return Greet::with($GLOBALS["hi"]); }',
            'vendor/autoload.php':
              '<?php spl_autoload_register(fn ($name) => require __DIR__ . "/$name.php");',
            'vendor/Greet.php':
              '<?php class Greet { static function with($hi) { return (object) ["greeting" => $hi]; } }',
          },
          main: 'niam',
        },
      ],
      [
        'of a script and its files, whatever their modes',
        {
          kind: 'native:default',
          code: {
            exec: '#!/bin/bash\n. ./greet.sh\ngreet',
            'greet.sh': 'greet() { echo \'{"greeting": "hi"}\'; }',
          },
        },
      ],
    ];
    it.each(cases)('%s', async (_title, source) => {
      expect(await outcomeOf(source)).toMatchObject({ status: 'success', result: greet });
    });

    it.each([
      ['python', /does not include __main__\.py at the root/],
      ['ruby', /zipped actions must contain main\.rb at the root/],
      ['php', /Zipped actions must contain index\.php at the root/],
      ['native', /there is no file 'exec' at the root/],
      ['go', /there is no file 'exec' at the root/],
    ])('of %s is refused when its entry is missing', async (family, error) => {
      expect(await outcomeOf({ kind: `${family}:default`, code: { other: '' } })).toMatchObject(
        failed(developer, error),
      );
    });
  });

  describe('that is a program', () => {
    const loop = '#!/bin/sh\nwhile read -r line; do n=$((n+1)); echo "run $n"; echo "$line" >&3; done\n';

    it('can keep running and speak ActionLoop', async () => {
      const source = { kind: 'native:default', code: loop };
      const { result, stdout } = await outcomeOf(source, { a: [1.5, 'é'] });
      expect(result).toMatchObject({
        value: { a: [1.5, 'é'] },
        namespace: 'guest',
        action_name: expect.stringMatching(/^\/guest\/action-\d+$/),
        activation_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        deadline: expect.stringMatching(/^\d{13}$/),
      });
      expect(stdout).toBe('run 1');
    });

    it('can be a script for the installed Python', async () => {
      const code =
        '#!/usr/bin/env python3\nimport sys, json\nprint(json.dumps({"got": json.loads(sys.argv[1])}))\n';
      expect(await outcomeOf({ kind: 'native:default', code }, { a: 1 })).toMatchObject({
        result: { got: { a: 1 } },
      });
    });

    it('for Go can’t be a script, because there is no shell', async () => {
      expect(await outcomeOf({ kind: 'go:default', code: loop })).toMatchObject(
        failed(developer, /'\/bin\/sh' is not in this image/),
      );
    });

    it('for Go can’t be source code, because there is no compiler', async () => {
      const code =
        'package main\n\nfunc Main(args map[string]interface{}) map[string]interface{} { return args }\n';
      expect(await outcomeOf({ kind: 'go:default', code })).toMatchObject(
        failed(developer, /there is no compiler here: compile it for Linux/),
      );
    });

    it.skipIf(missingForElf !== undefined).each([
      ['alone', 'go:default', () => actionLoopElf(), undefined],
      ['in an archive', 'go:default', () => ({ exec: actionLoopElf() }), undefined],
      ['for the kind that it is not made for', 'native:default', () => actionLoopElf(), 'actionloop'],
    ])(
      `may be compiled, and come %s${missingForElf ? ` (${missingForElf})` : ''}`,
      async (_title, kind, code, main) => {
        const source = { kind, code: code(), ...(main === undefined ? {} : { main }) };
        expect(await outcomeOf(source, { a: 1 })).toMatchObject({
          status: 'success',
          result: { value: { a: 1 }, namespace: 'guest' },
          stdout: 'log',
        });
      },
    );
  });

  it.each([
    ['ruby', 'hello.rb', { greeting: 'Hello, World' }],
    ['php', 'hello.php', { greeting: 'Hello, World' }],
    ['native', 'hello.sh', { greeting: 'Hello, World' }],
    ['native', 'counter.sh', { calls: 1 }],
  ])('of the kind %s is the example %s', async (family, file, result) => {
    const code = readFileSync(new URL(`../examples/${file}`, import.meta.url), 'utf8');
    expect(await outcomeOf({ kind: `${family}:default`, code }, { name: 'World' })).toMatchObject({
      status: 'success',
      result,
    });
  });
});
