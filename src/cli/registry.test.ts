import { expect, test } from 'vitest';
import { findCommand, foldPairs } from './argv.ts';
import { type CommandSpec, commandsOf, flagWords } from './command-spec.ts';
import { buildProgram, parseProgram } from './program.ts';
import { entries } from './registry.ts';
import { sharedOptionsOf } from './shared-options.ts';

const commands = commandsOf(entries);

async function parse(argv: readonly string[]) {
  const written: string[] = [];
  const dispatched: { command: CommandSpec; args: readonly string[]; options: object }[] = [];
  const program = buildProgram({
    version: '1.2.3',
    entries,
    hasSeparator: argv.includes('--'),
    write: (text) => written.push(text),
    dispatch: async (command, args, options) => {
      dispatched.push({ command, args, options });
    },
  });
  await parseProgram(program, foldPairs(argv, findCommand(argv, entries)), entries);
  return { written: written.join(''), dispatched };
}

test('has the commands of the platform', () => {
  expect(commands.map(([name]) => name)).toEqual([
    'up',
    'status',
    'doctor',
    'prove',
    ...['create', 'update', 'get', 'list', 'diff', 'revert', 'delete', 'invoke'].map(
      (verb) => `action ${verb}`,
    ),
    ...['list', 'get', 'result', 'logs', 'poll', 'cancel'].map((verb) => `activation ${verb}`),
    'logs',
    ...['create', 'update', 'bind', 'get', 'list', 'delete'].map((verb) => `package ${verb}`),
    ...['create', 'update', 'get', 'list', 'delete', 'fire'].map((verb) => `trigger ${verb}`),
    ...['create', 'update', 'get', 'list', 'delete', 'enable', 'disable', 'status'].map(
      (verb) => `rule ${verb}`,
    ),
    ...['dead-letters', 'replay', 'discard'].map((verb) => `rule ${verb}`),
    ...['create', 'get', 'list', 'delete'].map((verb) => `api ${verb}`),
    ...['create', 'verify', 'get', 'list', 'delete'].map((verb) => `domain ${verb}`),
    ...['deploy', 'sync', 'undeploy'].map((verb) => `project ${verb}`),
    'list',
    ...['list', 'get', 'calls', 'create', 'delete', 'rotate-key', 'limits'].map(
      (verb) => `namespace ${verb}`,
    ),
    ...['create', 'list', 'delete'].map((verb) => `namespace key ${verb}`),
    ...['create', 'list', 'delete'].map((verb) => `key ${verb}`),
    ...['list', 'logout'].map((verb) => `member ${verb}`),
    ...['scan', 'build', 'list', 'report', 'delete', 'keygen', 'sign', 'verify'].map(
      (verb) => `image ${verb}`,
    ),
    'base build',
    ...['update', 'import', 'status', 'sources'].map((verb) => `advisories ${verb}`),
    ...['show', 'check', 'test', 'set'].map((verb) => `policy ${verb}`),
    ...['create', 'list', 'delete'].map((verb) => `waiver ${verb}`),
    ...['set', 'list'].map((verb) => `vex ${verb}`),
    'usage',
    'egress list',
    ...['list', 'export', 'verify'].map((verb) => `audit ${verb}`),
    ...['status', 'rotate'].map((verb) => `vault ${verb}`),
    'console login',
    ...['init', 'nats-config', 'nats-certificate'].map((verb) => `cluster ${verb}`),
    ...['list', 'show', 'drain', 'token', 'tokens', 'revoke-token', 'remove'].map((verb) => `node ${verb}`),
    ...['backup', 'restore', 'migrate', 'fsck'],
    ...['run', 'explain', 'learn', 'violations'].map((verb) => `sandbox ${verb}`),
    ...['login', 'logout'],
    ...['get', 'set', 'unset'].map((verb) => `property ${verb}`),
    'completion',
    'uninstall',
  ]);
});

test.each(commands)('%s: help has a summary, every option and examples', async (name, command) => {
  const { written } = await parse([...name.split(' '), '--help']);
  expect(written).toContain(`Usage: ward ${name}`);
  expect(written).toContain(command.summary.slice(0, 40));
  for (const option of command.options) expect(written).toContain(option.flags);
  expect(command.examples.length).toBeGreaterThan(0);
  for (const example of command.examples) expect(written).toContain(example.command);
});

test.each(commands)('%s: no two options share a word', (_, command) => {
  const words = [...command.options, ...sharedOptionsOf(command)].flatMap(flagWords);
  expect(words.toSorted()).toEqual([...new Set(words)].toSorted());
  expect(words).not.toContain('-h');
});

test.each(commands)('%s: its handler loads', async (_, command) => {
  expect(await command.handler()).toBeTypeOf('function');
});

const examples = commands.flatMap(([name, command]) =>
  command.examples.map((example) => [example.command, name, command] as const),
);

test.each(examples)('the example is accepted: %s', async (line, name, command) => {
  const typed = line.slice(line.indexOf('ward ') + 5).replace(/\)$| > .*$/, '');
  expect(typed.startsWith(name)).toBe(true);
  const words = [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
  expect((await parse(words)).dispatched[0]?.command).toBe(command);
});

test('wsk options are accepted before the command too, and the later one wins', async () => {
  const { dispatched } = await parse(['-i', '-u', 'a:1', 'action', 'list', '-u', 'b:2', '-l', '5']);
  expect(dispatched[0]?.options).toMatchObject({ insecure: true, auth: 'b:2', limit: '5' });
});

test.each([
  ['before the image', ['-m', '64m', 'img', '--', 'prog', '-m', '1'], ['img', 'prog', '-m', '1']],
  ['after the image', ['img', '-m', '64m', '--', 'prog', '-m', '1'], ['img', 'prog', '-m', '1']],
  ['without a separator', ['-m', '64m', 'img', 'prog', '-m', '1'], ['img', 'prog', '-m', '1']],
])('sandbox run reads its options %s, and passes the others to the program', async (_, words, expected) => {
  const { dispatched } = await parse(['sandbox', 'run', ...words]);
  expect(dispatched[0]?.args).toEqual(expected);
  expect(dispatched[0]?.options).toMatchObject({ memory: '64m' });
});

test.each([
  [['acton'], "unknown command 'acton'", 'did you mean ward action? ward --help shows all'],
  [
    ['acton', 'list', '-o', 'json'],
    "unknown command 'acton'",
    'did you mean ward action? ward --help shows all',
  ],
  [['action', 'lst'], "unknown command 'lst'", 'did you mean ward action list? ward action --help shows all'],
  [
    ['namespace', 'key', 'lst'],
    "unknown command 'lst'",
    'did you mean ward namespace key list? ward namespace key --help shows all',
  ],
  [
    ['action', 'list', '--limt', '1'],
    "unknown option '--limt'",
    'did you mean --limit? ward action list --help shows all',
  ],
  [['action', 'get'], "missing required argument 'name'", 'ward action get --help'],
  [['action', 'delete', 'a', 'b'], 'too many arguments', 'ward action delete --help'],
  [['action', 'list', '-o', 'xml'], 'Allowed choices are table, json', 'ward action list --help'],
])('%j is a usage fault with a hint', async (argv, message, hint) => {
  await expect(parse(argv)).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining(message),
    hint,
  });
});

test.each([[[]], [['action']], [['namespace', 'key']], [['--help']]])('%j prints help', async (argv) => {
  const { written, dispatched } = await parse(argv);
  expect(written).toContain('Examples:');
  expect(dispatched).toEqual([]);
});

test('prints its version', async () => {
  expect((await parse(['--version'])).written).toBe('1.2.3\n');
});
