/** Reads the tables, headings, links and code blocks of documents, so that tests can compare them with the code. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Table {
  /** The nearest heading above it. */
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface CodeBlock {
  /** Text after the opening fence, such as `sh` or `sh network`. */
  readonly info: string;
  readonly text: string;
}

/** @param path relative to the repository */
export function readText(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
}

/** Every table of a document, in order. */
export function tablesOf(document: string): readonly Table[] {
  const tables: { heading: string; header: string[]; rows: string[][] }[] = [];
  let heading = '';
  let isInside = false;
  for (const line of withoutCode(document).split('\n')) {
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    if (!line.startsWith('|')) isInside = false;
    else if (!isInside) {
      isInside = true;
      tables.push({ heading, header: cellsOf(line), rows: [] });
    } else if (!/^\|[ |-]+$/.test(line)) tables.at(-1)?.rows.push(cellsOf(line));
  }
  return tables;
}

/** The first table whose first column has this title. @throws Error when no table has it */
export function tableOf(document: string, title: string, heading?: string): Table {
  const found = tablesOf(document).find(
    (table) => table.header[0] === title && (heading === undefined || table.heading === heading),
  );
  if (found === undefined) throw new Error(`no table of '${title}'`);
  return found;
}

/** Two columns of a table as an object, without the code marks. */
export function columnsOf(table: Table, key: string, value: string): Readonly<Record<string, string>> {
  const [from, to] = [table.header.indexOf(key), table.header.indexOf(value)];
  return Object.fromEntries(table.rows.map((row) => [plain(row[from] ?? ''), plain(row[to] ?? '')]));
}

export function plain(cell: string): string {
  return cell.replaceAll('`', '');
}

export function codeBlocksOf(document: string): readonly CodeBlock[] {
  return [...document.matchAll(/^```(.*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    info: match[1] ?? '',
    text: match[2] ?? '',
  }));
}

/** Anchors of headings, as GitHub makes them. */
export function anchorsOf(document: string): ReadonlySet<string> {
  const headings = [...withoutCode(document).matchAll(/^#+ (.*)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** Targets of links into the repository. */
export function linksOf(document: string): readonly string[] {
  return [...withoutCode(document).matchAll(/\]\(([^)]+)\)/g)]
    .map((match) => match[1] ?? '')
    .filter((target) => !/^https?:/.test(target));
}

/** The words between code marks. */
export function codeWordsOf(document: string): readonly string[] {
  return [...withoutCode(document).matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

/**
 * Fails unless a cell names existing tests, as `file` “title”. A title can be shortened, but must be a test's title and
 * not other words in the file.
 */
export function expectTests(cell: string): void {
  const files = [...cell.matchAll(/`([^`]+\.ts)`((?:,? “[^”]+”)+)/g)];
  expect(files.length, cell).toBeGreaterThan(0);
  for (const [, file = '', titles = ''] of files) {
    const there = titlesIn(readText(file));
    for (const [, title = ''] of titles.matchAll(/“([^”]+)”/g))
      expect(
        there.some((each) => each.includes(title)),
        `${file}: ${title}`,
      ).toBe(true);
  }
}

function titlesIn(source: string): readonly string[] {
  const calls = /(?:\b(?:test|it|describe)(?:\.\w+(?:\([^()]*\))?)*\(|\)\()\s*(['"`])(.*?)\1,/g;
  return [...source.matchAll(calls)].map((match) => match[2] ?? '');
}

function withoutCode(document: string): string {
  return document.replaceAll(/^```[\s\S]*?^```$/gm, '');
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.lastIndexOf('|'))
    .split('|')
    .map((cell) => cell.trim());
}

/** Tests that a proof names: `file` “title”, “title”; … */
export function testsNamed(proof: string): (readonly [file: string, titles: readonly string[]])[] {
  return [...proof.matchAll(/`([^`]+\.ts)`((?:,? “[^”]+”)+)/g)].map((match) => [
    match[1] ?? '',
    [...(match[2] ?? '').matchAll(/“([^”]+)”/g)].map((title) => title[1] ?? ''),
  ]);
}

/** Expects that each test in a proof exists, and that each title has a file. */
export function expectTestsExist(proof: string): void {
  const tests = testsNamed(proof);
  for (const [file, titles] of tests) {
    expect(existsSync(new URL(`../../${file}`, import.meta.url)), file).toBe(true);
    const text = readText(file);
    for (const title of titles) {
      const isThere = ["'", '"', '`'].some((quote) => text.includes(`${quote}${title}${quote}`));
      expect(isThere, `${file}: ${title}`).toBe(true);
    }
  }
  const named = tests.flatMap(([, titles]) => titles).length;
  expect(named, 'a title that belongs to no file').toBe([...proof.matchAll(/“/g)].length);
}
