/** Every kind of action, on real sandboxes: what its code gets and returns, and the errors when it is wrong. */
import { arch } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inheritedHere } from '../src/sandbox/inherited.ts';
import { type Instruction, javaClass, make, parameter, print, set } from './java-class.ts';
import { application, create, developer, failed, outcomeOf as outcomeIn, type Source } from './outcome.ts';
import { missingForSandboxes, Ward } from './ward.ts';
import { type ZipContent, zip } from './zip.ts';

const missing = missingForSandboxes();

let ward: Ward;

beforeAll(async () => {
  if (missing !== undefined) return;
  ward = await Ward.start();
  await ward.raiseLimits();
});
afterAll(() => ward?.[Symbol.asyncDispose]());

const outcomeOf = (source: Source, payload: object = {}) => outcomeIn(ward, source, payload);

const object = 'com/google/gson/JsonObject';
/** The text of a file. */
const readText = (path: string): Instruction[] => [
  ['new', 'java/io/File'],
  ['dup'],
  ['ldc', path],
  ['invokespecial', 'java/io/File', '<init>', '(Ljava/lang/String;)V'],
  ['invokevirtual', 'java/io/File', 'toPath', '()Ljava/nio/file/Path;'],
  ['invokestatic', 'java/nio/file/Files', 'readString', '(Ljava/nio/file/Path;)Ljava/lang/String;'],
];
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
  infinite: [
    ...make(object),
    ['astore', 1],
    ['aload', 1],
    ['ldc', 'n'],
    ['ldc', 'Infinity'],
    ['invokestatic', 'java/lang/Double', 'valueOf', '(Ljava/lang/String;)Ljava/lang/Double;'],
    ['invokevirtual', object, 'addProperty', '(Ljava/lang/String;Ljava/lang/Number;)V'],
    ['aload', 1],
    ['areturn'],
  ],
  copies: [
    ['new', 'java/io/FileInputStream'],
    ['dup'],
    ['ldc', '/etc/os-release'],
    ['invokespecial', 'java/io/FileInputStream', '<init>', '(Ljava/lang/String;)V'],
    ['new', 'java/io/FileOutputStream'],
    ['dup'],
    ['ldc', '/tmp/copy'],
    ['invokespecial', 'java/io/FileOutputStream', '<init>', '(Ljava/lang/String;)V'],
    ['invokevirtual', 'java/io/FileInputStream', 'transferTo', '(Ljava/io/OutputStream;)J'],
    ['pop2'],
    ...make(object),
    ['astore', 1],
    ...set(1, 'copy', readText('/tmp/copy')),
    ...set(1, 'original', readText('/etc/os-release')),
    ['aload', 1],
    ['areturn'],
  ],
  exits: [['iconst_1'], ['invokestatic', 'java/lang/System', 'exit', '(I)V'], ['aconst_null'], ['areturn']],
};
const jar: ZipContent = { 'example/Hello.class': javaClass('example/Hello', javaCode) };
const java = (main: string): Source => ({ kind: 'java:default', code: jar, main });

interface Language {
  readonly hello: Source;
  readonly error: Source;
  readonly throws: Source;
  /** Status of an exception: application error or developer error. */
  readonly thrown: ReturnType<typeof failed>;
  readonly nothing: Source;
  /** Code whose result JSON can't represent. */
  readonly infinite: Source;
  /** Copies a file of its image with the library call that asks the kernel to copy; returns both. */
  readonly copies: Source;
  readonly broken: Source;
  /** Error for code that can't be loaded. */
  readonly refusal: RegExp;
}

const text =
  (family: string) =>
  (code: string): Source => ({ kind: `${family}:default`, code });
const node = text('nodejs');
const python = text('python');
const ruby = text('ruby');
const php = text('php');
const shell = text('native');

const languages: Record<string, Language> = {
  'Node.js': {
    hello: node(
      'const main = ({ name }) => { console.log("to stdout"); console.error("to stderr"); return { greeting: "Hello, " + name, namespace: process.env.__OW_NAMESPACE } }',
    ),
    error: node('const main = () => ({ error: "mine" })'),
    throws: node('const main = () => { throw new Error("broken") }'),
    thrown: failed(developer, /^An error has occurred: Error: broken$/),
    nothing: node('const main = () => "text"'),
    infinite: node('const main = () => ({ n: 1n })'),
    copies: node(
      'const fs = require("node:fs"); const main = () => { fs.copyFileSync("/etc/os-release", "/tmp/copy"); const read = (name) => fs.readFileSync(name, "utf8"); return { copy: read("/tmp/copy"), original: read("/etc/os-release") } }',
    ),
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
    infinite: python('def main(args): return {"n": float("inf")}'),
    copies: python(
      'import shutil\ndef main(args):\n  shutil.copyfile("/etc/os-release", "/tmp/copy")\n  return {"copy": open("/tmp/copy").read(), "original": open("/etc/os-release").read()}\n',
    ),
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
    infinite: ruby('def main(args) = { n: Float::INFINITY }'),
    copies: ruby(
      'def main(args)\n  IO.copy_stream("/etc/os-release", "/tmp/copy")\n  { copy: File.read("/tmp/copy"), original: File.read("/etc/os-release") }\nend\n',
    ),
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
    infinite: php('<?php function main(array $args) { return ["n" => INF]; }'),
    copies: php(
      '<?php\nfunction main(array $args): array {\n  copy("/etc/os-release", "/tmp/copy");\n  return ["copy" => file_get_contents("/tmp/copy"), "original" => file_get_contents("/etc/os-release")];\n}\n',
    ),
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
    infinite: java('example.Hello#infinite'),
    copies: java('example.Hello#copies'),
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
    infinite: shell('#!/bin/sh\necho \'{"n": Infinity}\'\n'),
    copies: shell(
      '#!/bin/bash\ncp /etc/os-release /tmp/copy\njq -nc "{copy: \\$copy, original: \\$original}" --rawfile copy /tmp/copy --rawfile original /etc/os-release\n',
    ),
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
      const name = await create(ward, { ...language.hello, limits: { memory: 128 } });
      for (const each of ['one', 'two', 'three']) {
        const { body } = await ward.invoke(name, { name: each });
        expect(body).toMatchObject({ response: { result: { greeting: `Hello, ${each}` } } });
      }
    });

    it('reports a failure by an error in its result', async () => {
      expect(await outcomeOf(language.error)).toMatchObject({
        status: application,
        result: { error: 'mine' },
      });
    });

    it('fails with what it throws', async () => {
      expect(await outcomeOf(language.throws)).toMatchObject(language.thrown);
    });

    it('fails when it returns no object', async () => {
      expect(await outcomeOf(language.nothing)).toMatchObject(
        failed(developer, /did not return a dictionary|returned null/),
      );
    });

    it('fails when JSON can’t represent its result', async () => {
      expect(await outcomeOf(language.infinite)).toMatchObject(
        failed(developer, /can't be turned into JSON: |did not return a dictionary/),
      );
    });

    it('copies a file, although the kernel does not do it with sendfile', async () => {
      const { result } = await outcomeOf(language.copies);
      expect(result.original).toContain('Debian');
      expect(result.copy).toBe(result.original);
    });

    it('is refused when it can’t be loaded', async () => {
      const outcome = await outcomeOf(language.broken);
      expect(outcome).toMatchObject(failed(developer, /^Initialization has failed due to: /));
      expect(outcome.result.error).toMatch(language.refusal);
    });
  });

  it.each([
    ['python', 'import time\ndef main(args):\n  time.sleep(0.03)\n  return args\n'],
    ['ruby', 'def main(args)\n  sleep 0.03\n  args\nend\n'],
    ['php', '<?php function main(array $args): array { usleep(30000); return $args; }'],
    ['native', '#!/bin/bash\nsleep 0.03\necho "$1"\n'],
  ])('of the kind %s with concurrency answers every call', async (family, code) => {
    const name = await create(ward, { kind: `${family}:default`, code, limits: { concurrency: 4 } });
    const calls = Array.from({ length: 6 }, (_, n) => ward.invoke(name, { n }));
    const replies = await Promise.all(calls);
    expect(replies.map(({ body }) => body.response?.result)).toEqual(calls.map((_, n) => ({ n })));
  });

  // Only if the kernel can refuse it. Node.js, which compiles code, shows that the call works where it is allowed.
  it('can’t execute data in Python, and compiles in Node.js', async () => {
    const map = python(
      'import mmap\ndef main(args):\n  try: mmap.mmap(-1, 4096, prot=7)\n  except OSError as error: return {"refused": error.strerror}\n  return {"mapped": True}\n',
    );
    const canRefuse = (await inheritedHere(arch() === 'arm64' ? 'arm64' : 'x64')).has('no-write-execute');
    const expected = canRefuse ? { refused: 'Permission denied' } : { mapped: true };
    expect((await outcomeOf(map)).result).toEqual(expected);
    const sum = node(
      'function main() { let n = 0; for (let i = 0; i < 1e6; i++) n += i & 1; return { n }; }',
    );
    expect((await outcomeOf(sum)).result).toEqual({ n: 500_000 });
  });

  describe('in Java', () => {
    it('needs the name of its class to be created', async () => {
      const code = (await zip(jar)).toString('base64');
      expect(await ward.deploy('nameless', code, { kind: 'java:default' })).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining("'main' must be a string") },
      });
    });

    it('that ends its process says so', async () => {
      expect(await outcomeOf(java('example.Hello#exits'))).toMatchObject(failed(developer, /System\.exit/));
    });

    it('can’t be source code, because there is no compiler', async () => {
      const source = { kind: 'java:default', code: 'public class Hello {}', main: 'Hello' };
      expect(await outcomeOf(source)).toMatchObject(failed(developer, /a jar: there is no compiler/));
    });
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
