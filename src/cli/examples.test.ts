/** Every example of the help works: the shell can read it, and the command accepts its words. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { defaultAdvisorySources } from '../scanner/index.ts';
import { findCommand, foldPairs } from './argv.ts';
import { type CommandSpec, commandsOf } from './command-spec.ts';
import { buildProgram, parseProgram } from './program.ts';
import { entries } from './registry.ts';

const examples = commandsOf(entries).flatMap(([words, spec]) =>
  spec.examples.map(({ command }) => ({ words, spec, command })),
);

/** The words that bash hands to `ward`, for each example. */
let lines: readonly (readonly string[])[] = [];
beforeAll(async () => {
  lines = await wordsIn(examples.map(({ command }) => command));
});

/** The words that `ward` gets from each line, as bash splits it. */
async function wordsIn(commands: readonly string[]): Promise<readonly (readonly string[])[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ward-examples-'));
  try {
    const script = [
      `ward() { printf '%s\\0' "$@" >> "$OUT"; }`,
      ...commands.map(
        (command, at) => `( OUT=${at}; : > $OUT; export KEY=k TOKEN=t; ${command} ) > /dev/null\nwait`,
      ),
    ].join('\n');
    const home = { PATH: process.env['PATH'], HOME: folder };
    const { code, stderr } = await runCommand(
      ['bash', '-c', `mkdir -p .config/fish/completions\n${script}`],
      {
        cwd: folder,
        env: home,
      },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return await Promise.all(
      commands.map(async (_, at) =>
        (await readFile(join(folder, String(at)), 'utf8')).split('\0').slice(0, -1),
      ),
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function parse(argv: readonly string[]) {
  const typed: { spec: CommandSpec; options: Readonly<Record<string, unknown>> }[] = [];
  const program = buildProgram({
    version: '0',
    entries,
    hasSeparator: argv.includes('--'),
    write: () => {},
    dispatch: async (spec, _args, options) => void typed.push({ spec, options }),
  });
  await parseProgram(program, foldPairs(argv, findCommand(argv, entries)), entries);
  return typed;
}

test('the help’s examples are valid commands', async () => {
  expect(lines.length).toBeGreaterThan(100);
  for (const [at, { words, spec, command }] of examples.entries()) {
    const typed = await parse(lines[at] ?? []).catch((error: Error) => error.message);
    expect(typed, command).toEqual([{ spec, options: expect.anything() }]);
    expect(command, `an example of ward ${words}`).toContain(`ward ${words}`);
  }
});

test('the examples name existing sources of advisories', async () => {
  const known = defaultAdvisorySources().map(({ name }) => name);
  const named = (await Promise.all(lines.map(parse)))
    .flat()
    .flatMap(({ options }) => options['source'] ?? []);
  expect(named.length).toBeGreaterThan(0);
  for (const name of named)
    expect(known.some((each) => each === name || each.startsWith(`${name}/`))).toBe(true);
});
