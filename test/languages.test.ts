/** Every kind of action, on real sandboxes: what its code gets and gives, and what is said when it is wrong. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actionLoopElf, missingForElf } from './elf.ts';
import { type Instruction, javaClass, make, parameter, print, set } from './java-class.ts';
import { missingForSandboxes, Ward } from './ward.ts';
import { type ZipContent, zip } from './zip.ts';

const missing = missingForSandboxes();
const developer = 'action developer error';
const application = 'application error';

let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start();
  await ward.raiseLimits();
});
afterAll(() => ward?.[Symbol.asyncDispose]());

interface Source {
  readonly kind: string;
  /** Text, bytes, or the content of an archive. */
  readonly code: string | Buffer | ZipContent;
  readonly main?: string;
  readonly memory?: number;
}

/** What the record of a first call says. */
interface Outcome {
  readonly status: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there
  readonly result: any;
  readonly stdout: string;
  readonly stderr: string;
}

let count = 0;

/** Creates an action under a name of its own; the name. */
async function create({ kind, code, main, memory }: Source): Promise<string> {
  const name = `action-${count++}`;
  const isArchive = typeof code === 'object' && !Buffer.isBuffer(code);
  const bytes = isArchive ? await zip(code) : code;
  const text = typeof bytes === 'string' ? bytes : bytes.toString('base64');
  const exec = main === undefined ? {} : { main };
  const reply = await ward.deploy(name, text, { kind, exec, limits: memory === undefined ? {} : { memory } });
  expect(reply).toMatchObject({ status: 200, body: { exec: { binary: typeof bytes !== 'string' } } });
  return name;
}

async function outcomeOf(source: Source, payload: object = {}): Promise<Outcome> {
  const { headers } = await ward.invoke(await create(source), payload);
  const { response, logs } = await ward.activation(headers.get('x-openwhisk-activation-id') ?? '');
  const lines = (stream: string) =>
    logs.flatMap((line: string) => new RegExp(`^\\S+ +${stream}: (.*)$`).exec(line)?.[1] ?? []).join('\n');
  return {
    status: response.status,
    result: response.result,
    stdout: lines('stdout'),
    stderr: lines('stderr'),
  };
}

const failed = (status: string, error: RegExp) => ({
  status,
  result: { error: expect.stringMatching(error) },
});

const object = 'com/google/gson/JsonObject';
/** A class with a method for each behaviour. */
const javaCode: Record<string, Instruction[]> = {
  hello: [
    ...make(object),
    ['astore', 1],
    ...print('out', 'to stdout'),
    ...print('err', 'to stderr'),
    ...set(1, 'greeting', [
      ['ldc', 'Hello, '],
      ...parameter('name'),
      ['invokevirtual', 'java/lang/String', 'concat', '(Ljava/lang/String;)Ljava/lang/String;'],
    ]),
    ...set(1, 'namespace', [
      ['ldc', '__OW_NAMESPACE'],
      ['invokestatic', 'java/lang/System', 'getenv', '(Ljava/lang/String;)Ljava/lang/String;'],
    ]),
    ['aload', 1],
    ['areturn'],
  ],
  error: [...make(object), ['astore', 1], ...set(1, 'error', [['ldc', 'mine']]), ['aload', 1], ['areturn']],
  throws: [
    ['new', 'java/lang/Exception'],
    ['dup'],
    ['ldc', 'broken'],
    ['invokespecial', 'java/lang/Exception', '<init>', '(Ljava/lang/String;)V'],
    ['athrow'],
  ],
  nothing: [['aconst_null'], ['areturn']],
  exits: [['iconst_1'], ['invokestatic', 'java/lang/System', 'exit', '(I)V'], ['aconst_null'], ['areturn']],
};
const jar: ZipContent = { 'example/Hello.class': javaClass('example/Hello', javaCode) };
const java = (main: string): Source => ({ kind: 'java:default', code: jar, main });

interface Language {
  readonly hello: Source;
  readonly error: Source;
  readonly throws: Source;
  /** What an exception is: the application's own error, or the developer's. */
  readonly thrown: ReturnType<typeof failed>;
  readonly nothing: Source;
  readonly broken: Source;
  /** What is said of code that can't be loaded. */
  readonly refusal: RegExp;
}

const text = (kind: string) => (code: string) => ({ kind, code });
const [node, python, ruby, php, shell] = ['nodejs', 'python', 'ruby', 'php', 'native'].map((family) =>
  text(`${family}:default`),
) as [Text, Text, Text, Text, Text];
type Text = ReturnType<typeof text>;

const languages: Record<string, Language> = {
  'Node.js': {
    hello: node(
      'const main = ({ name }) => { console.log("to stdout"); console.error("to stderr"); return { greeting: `Hello, ${name}`, namespace: process.env.__OW_NAMESPACE } }',
    ),
    error: node('const main = () => ({ error: "mine" })'),
    throws: node('const main = () => { throw new Error("broken") }'),
    thrown: failed(developer, /^An error has occurred: Error: broken$/),
    nothing: node('const main = () => "text"'),
    broken: node('10 PRINT "Hello"'),
    refusal: /SyntaxError/,
  },
  Python: {
    hello: python(
      'import os, sys\ndef main(args):\n  print("to stdout")\n  print("to stderr", file=sys.stderr)\n  return {"greeting": f"Hello, {args[\'name\']}", "namespace": os.environ["__OW_NAMESPACE"]}\n',
    ),
    error: python('def main(args): return {"error": "mine"}'),
    throws: python('def main(args): raise Exception("broken")'),
    thrown: failed(application, /^broken$/),
    nothing: python('def main(args): return "text"'),
    broken: python('10 PRINT "Hello"'),
    refusal: /SyntaxError/,
  },
  Ruby: {
    hello: ruby(
      'def main(args)\n  puts "to stdout"\n  warn "to stderr"\n  { greeting: "Hello, #{args["name"]}", "namespace" => ENV["__OW_NAMESPACE"] }\nend\n',
    ),
    error: ruby('def main(args) = { error: "mine" }'),
    throws: ruby('def main(args) = raise("broken")'),
    thrown: failed(application, /^broken$/),
    nothing: ruby('def main(args) = "text"'),
    broken: ruby('10 PRINT "Hello"'),
    refusal: /Invalid Ruby Code: failed to parse the input code/,
  },
  PHP: {
    hello: php(
      '<?php\nfunction main(array $args): array {\n  echo "to stdout";\n  error_log("to stderr");\n  return ["greeting" => "Hello, {$args["name"]}", "namespace" => getenv("__OW_NAMESPACE")];\n}\n',
    ),
    error: php('<?php function main(array $args): array { return ["error" => "mine"]; }'),
    throws: php('<?php function main(array $args): array { throw new Exception("broken"); }'),
    thrown: failed(developer, /^An error occurred running the action\. Exception: broken$/),
    nothing: php('<?php function main(array $args) { return "text"; }'),
    broken: php('<?php\n10 PRINT "Hello"'),
    refusal: /PHP syntax error in index\.php/,
  },
  Java: {
    hello: java('example.Hello#hello'),
    error: java('example.Hello#error'),
    throws: java('example.Hello#throws'),
    thrown: failed(
      developer,
      /^An error has occurred while invoking the action .*: java\.lang\.Exception: broken$/,
    ),
    nothing: java('example.Hello#nothing'),
    broken: java('example.Hello'),
    refusal: /NoSuchMethodException: example\.Hello\.main\(com\.google\.gson\.JsonObject\)/,
  },
  'a shell script': {
    hello: shell(
      '#!/bin/bash\necho "to stdout"\necho "to stderr" >&2\njq -c "{greeting: (\\"Hello, \\" + .name), namespace: env.__OW_NAMESPACE}" <<<"$1"\n',
    ),
    error: shell('#!/bin/sh\necho \'{"error": "mine"}\'\n'),
    throws: shell('#!/bin/sh\nexit 1\n'),
    thrown: failed(developer, /did not return a dictionary or array/),
    nothing: shell('#!/bin/sh\necho text\n'),
    broken: shell('10 PRINT "Hello"'),
    refusal: /neither an ELF file nor a script/,
  },
};

describe.skipIf(missing !== undefined)(`an action${missing ? ` (${missing})` : ''}`, () => {
  describe.each(Object.entries(languages))('in %s', (_name, language) => {
    it('gets parameters and environment, logs, and gives a result', async () => {
      expect(await outcomeOf(language.hello, { name: 'Wörld ☃' })).toMatchObject({
        status: 'success',
        result: { greeting: 'Hello, Wörld ☃', namespace: 'guest' },
        stdout: 'to stdout',
        stderr: 'to stderr',
      });
    });

    it('runs in 128 MB, again and again', async () => {
      const name = await create({ ...language.hello, memory: 128 });
      for (const each of ['one', 'two', 'three']) {
        const { body } = await ward.invoke(name, { name: each });
        expect(body).toMatchObject({ response: { result: { greeting: `Hello, ${each}` } } });
      }
    });

    it('says that it failed by an error in its result', async () => {
      expect(await outcomeOf(language.error)).toMatchObject({
        status: application,
        result: { error: 'mine' },
      });
    });

    it('fails with what it throws', async () => {
      expect(await outcomeOf(language.throws)).toMatchObject(language.thrown);
    });

    it('is at fault when it returns no object', async () => {
      expect(await outcomeOf(language.nothing)).toMatchObject(
        failed(developer, /did not return a dictionary|returned null/),
      );
    });

    it('is refused when it can not be loaded', async () => {
      const outcome = await outcomeOf(language.broken);
      expect(outcome).toMatchObject(failed(developer, /^Initialization has failed due to: /));
      expect(outcome.result.error).toMatch(language.refusal);
    });
  });

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
            'node_modules/greet/package.json': '{"name": "greet", "main": "lib.js"}',
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
              'Gem::Specification.new { |s| s.name = "greet"; s.version = "1.0"; s.summary = s.author = "x"; s.require_paths = ["lib"] }',
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
            'vendor/Greet.php': '<?php class Greet { static fn with($hi) => 0; }'.replace(
              'static fn with($hi) => 0;',
              'static function with($hi) { return (object) ["greeting" => $hi]; }',
            ),
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
    ])('of %s is refused when its entry is not there', async (family, error) => {
      expect(await outcomeOf({ kind: `${family}:default`, code: { other: '' } })).toMatchObject(
        failed(developer, error),
      );
    });
  });

  describe('in Java', () => {
    it('is created only with the name of its class', async () => {
      const code = (await zip(jar)).toString('base64');
      expect(await ward.deploy('nameless', code, { kind: 'java:default' })).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining("'main' must be a string") },
      });
    });

    it('that ends its process says so', async () => {
      expect(await outcomeOf(java('example.Hello#exits'))).toMatchObject(failed(developer, /System\.exit/));
    });

    it('is no source, because there is no compiler', async () => {
      const source = { kind: 'java:default', code: 'public class Hello {}', main: 'Hello' };
      expect(await outcomeOf(source)).toMatchObject(failed(developer, /a jar: there is no compiler/));
    });
  });

  describe('that is a program', () => {
    const loop = '#!/bin/sh\nwhile read -r line; do n=$((n+1)); echo "run $n"; echo "$line" >&3; done\n';

    it('may stay and speak ActionLoop', async () => {
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

    it('may be a script for the Python that is there', async () => {
      const code =
        '#!/usr/bin/env python3\nimport sys, json\nprint(json.dumps({"got": json.loads(sys.argv[1])}))\n';
      expect(await outcomeOf({ kind: 'native:default', code }, { a: 1 })).toMatchObject({
        result: { got: { a: 1 } },
      });
    });

    it('for Go has no shell to be a script for', async () => {
      expect(await outcomeOf({ kind: 'go:default', code: loop })).toMatchObject(
        failed(developer, /'\/bin\/sh' is not in this image/),
      );
    });

    it('for Go is no source, because there is no compiler', async () => {
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

  it('in PHP that fills its memory, or exits, says so', async () => {
    const fill = php('<?php function main() { for ($x = "x";; $x .= $x); }');
    expect(await outcomeOf(fill)).toMatchObject(
      failed(developer, /Allowed memory size of \d+ bytes exhausted/),
    );
    expect(await outcomeOf(php('<?php function main() { exit; }'))).toMatchObject(
      failed(developer, /called exit/),
    );
  });
});
