/** Completion: bash as a process, the same script for zsh, and the commands for fish. */
import { expect, test } from 'vitest';
import { runCommand } from '../../lib/index.ts';
import { commandsOf } from '../command-spec.ts';
import { entries } from '../registry.ts';
import { bashScript, zshScript } from './bash.ts';
import { fishScript } from './fish.ts';

/** Bash's suggestions for the last word. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const script = `${bashScript(entries)}
# Stands for what asks the server. A name is never run, not even one that no Ward would have.
ward() {
  case "$*" in
    'completion --names action') printf '%s\\n' hello help pack/shout 'he$(touch /tmp/x)' ;;
    'completion --names trigger') printf '%s\\n' nightly ;;
    'completion --names kind') printf '%s\\n' nodejs:22 nodejs:24 python:3.13 ;;
    *) return 1 ;;
  esac
}
COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_ward
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { code, stdout, stderr } = await runCommand(['bash', '-c', script, 'bash', 'ward', ...words]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd().split('\n');
}

test.each([
  [['a'], ['action', 'activation', 'api', 'advisories', 'audit']],
  [['-o', 'json', 'tr'], ['trigger']],
  [['--apihost', 'action', 'ru'], ['rule']],
  [['namespace', 'k'], ['key']],
  [
    ['namespace', 'key', ''],
    ['create', 'list', 'delete'],
  ],
  [['action', 'create', 'x', '--param', 'update', 'get', '--me'], ['--memory']],
  [['action', 'create', 'x', '--web', 'r'], ['raw']],
  [['action', 'list', '-o', 'js'], ['json']],
  [['namespace', 'key', 'create', 'acme', '--scope', 'd'], ['deploy']],
  [
    ['action', 'invoke', 'he'],
    ['hello', 'help', 'he$(touch /tmp/x)'],
  ],
  [['action', 'invoke', '-p', 'a', 'b', '-o', 'json', 'pa'], ['pack/shout']],
  [['rule', 'create', 'x', 'ni'], ['nightly']],
  [
    ['rule', 'create', 'x', 'nightly', 'hel'],
    ['hello', 'help'],
  ],
  [
    ['action', 'create', 'x', '--kind', 'no'],
    ['nodejs:22', 'nodejs:24'],
  ],
  // Bash splits a word at its colons.
  [
    ['action', 'create', 'x', '--kind', 'nodejs', ':', '2'],
    ['22', '24'],
  ],
  [['action', 'create', 'x', '--kind', 'nodejs', ':24', '--mem'], ['--memory']],
])('bash: ward %s', async (words, expected) => {
  expect(await offered(...words)).toEqual(expected);
});

test.each([
  ['the value of an option', ['action', 'create', 'x', '--main', '']],
  ['half of a pair', ['action', 'create', 'x', '-p', '']],
  ['a file', ['action', 'create', 'x', '']],
  ['what the server does not know', ['package', 'get', '']],
])('bash: %s is left to the shell', async (_, words) => {
  expect(await offered(...words)).toEqual(['']);
});

test('zsh runs the bash script', () => {
  expect(zshScript(entries)).toBe(`autoload -U +X bashcompinit && bashcompinit\n${bashScript(entries)}`);
});

test('fish gets every command, and every option of each', () => {
  const lines = fishScript(entries).split('\n');
  const names = lines.flatMap((line) => {
    const [, group = '', name = ''] = /-n '__ward_at ?([^']*)' -f -a (\S+)/.exec(line) ?? [];
    return name === '' ? [] : [group === '' ? name : `${group} ${name}`];
  });
  for (const [words, command] of commandsOf(entries)) {
    expect(names).toContain(words);
    for (const { flags } of command.options) {
      const long = /--([a-z-]+)/.exec(flags)?.[1];
      expect(
        lines.some((line) => line.includes(`'__ward_in ${words}'`) && line.includes(` -l ${long} `)),
      ).toBe(true);
    }
  }
});

test('fish completes names where bash does', () => {
  const script = fishScript(entries);
  expect(script).toContain(
    "complete -c ward -n '__ward_after 2 rule create' -f -a '(ward completion --names action 2>/dev/null)'",
  );
  expect(script).toContain(
    "complete -c ward -n '__ward_in action create' -l kind -x -a '(ward completion --names kind 2>/dev/null)'",
  );
});

test('fish: a quote in a summary is escaped', () => {
  for (const line of fishScript(entries)
    .split('\n')
    .filter((each) => each.startsWith('complete')))
    expect(line.replaceAll(/\\[\\']/g, '').split("'").length % 2).toBe(1);
});
