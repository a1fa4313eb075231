/** docs/reference/cli.md has every command as in its record, and is right about manifests and exit codes. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type CommandSpec, commandsOf, type OptionSpec } from '../../src/cli/command-spec.ts';
import { exitCodeOf } from '../../src/cli/faults.ts';
import { readManifest } from '../../src/cli/project/manifest.ts';
import { locationKeys, manifestKeys } from '../../src/cli/project/manifest-schema.ts';
import { entries } from '../../src/cli/registry.ts';
import { leadingOptions } from '../../src/cli/shared-options.ts';
import { codeBlocksOf, readText, tableOf } from './markdown.ts';

const document = readText('docs/reference/cli.md');
const commands = commandsOf(entries);

/** A command in the form of the document. If the test fails, paste this. */
function sectionOf(words: string, command: CommandSpec): string {
  const usage = ['ward', words, ...command.args.map(({ name }) => name)].join(' ');
  const parts = [
    `### ward ${words}`,
    `${capital(command.summary)}.`,
    ['```text', usage, '```'].join('\n'),
    ...(command.args.length === 0 ? [] : [listOf(command.args.map(({ name, summary }) => [name, summary]))]),
    ...(command.options.length === 0 ? [] : [optionsOf(command.options)]),
    ['```text', ...command.examples.map(exampleLines), '```'].join('\n'),
  ];
  return parts.join('\n\n');
}

function optionsOf(options: readonly OptionSpec[]): string {
  return listOf(options.map(({ flags, summary, choices }) => [flags, `${summary}${choiceText(choices)}`]));
}

function choiceText(choices: readonly string[] | undefined): string {
  return choices === undefined ? '' : `: ${choices.map((choice) => `\`${choice}\``).join(', ')}`;
}

function exampleLines({ command, does }: CommandSpec['examples'][number]): string {
  return `${command}\n    ${does}`;
}

function listOf(items: readonly (readonly [term: string, meaning: string])[]): string {
  return items.map(([term, meaning]) => `- \`${term}\` ${meaning}`).join('\n');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** The text from a heading to the next one. */
function sectionAt(heading: string): string | undefined {
  const start = document.indexOf(`${heading}\n`);
  if (start < 0) return undefined;
  const next = document.slice(start + heading.length).search(/\n#{2,3} /);
  return document.slice(start, next < 0 ? undefined : start + heading.length + next).trim();
}

describe('every command', () => {
  it.each(commands)('%s', (words, command) => {
    expect(sectionAt(`### ward ${words}`)).toBe(sectionOf(words, command));
  });

  it('and only existing ones, in the order of the help', () => {
    const headings = [...document.matchAll(/^### ward (.*)$/gm)].map((match) => match[1]);
    expect(headings).toEqual(commands.map(([words]) => words));
  });
});

it('the options that every command has', () => {
  expect(sectionAt('### Shared options')).toBe(`### Shared options\n\n${optionsOf(leadingOptions)}`);
});

describe('manifests', () => {
  it.each(Object.entries(manifestKeys))('the keys of %s', (entity, keys) => {
    const { rows } = tableOf(document, 'in');
    const row = rows.find(([name]) => name === entity);
    const told = [...(row?.[1] ?? '').matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
    expect(told.toSorted()).toEqual(keys.filter((key) => !Object.hasOwn(locationKeys, key)).toSorted());
  });

  it('the example is valid', async () => {
    const [example] = codeBlocksOf(document).filter(({ info }) => info === 'yaml');
    const folder = await mkdtemp(join(tmpdir(), 'ward-docs-'));
    try {
      const file = join(folder, 'manifest.yaml');
      await writeFile(file, example?.text ?? '');
      expect(Object.keys((await readManifest(file)).packages)).toEqual(['shop']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('the keys that are not followed', () => {
    for (const key of Object.keys(locationKeys)) expect(document).toContain(`\`${key}\``);
  });
});

it('exit codes next to those of wsk', () => {
  const kinds = { 'not found': 'missing', 'a conflict': 'conflict' } as const;
  const { rows } = tableOf(document, 'case');
  for (const [title, , ours] of rows) {
    const kind = Object.entries(kinds).find(([name]) => name === title)?.[1];
    if (kind !== undefined) expect(Number(ours)).toBe(exitCodeOf(kind));
  }
  expect(rows.length).toBeGreaterThan(3);
});
