import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from '../lib/index.ts';
import { programFileOf, programsFolder, programText } from './programs.ts';
import { techniques } from './techniques/registry.ts';
import { attackVectors } from './types.ts';

const files = readdirSync(programsFolder, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.py'))
  .map((path) => path.slice(0, -'.py'.length));
const programs = files.filter((file) => attackVectors.some((vector) => file.startsWith(`${vector}/`)));
const withoutPyflakes = !existsSync('/usr/lib/python3/dist-packages/pyflakes');

/**
 * The names that a program may use, and the text to check. A function has a main() and no prelude; callers share one.
 */
function checkedAs(file: string): readonly [prelude: string, text: string] {
  const text = programText(file);
  if (/^def attack\(/m.test(text)) return ['', programText('caller') + text];
  return [/^def main\(/m.test(text) ? '' : programText('prelude'), text];
}

test.skipIf(withoutPyflakes)('every program compiles, and each name that it uses is defined', async () => {
  const texts = Object.fromEntries([...programs, 'batch'].map((file) => [file, checkedAs(file)]));
  expect(Object.keys(texts).length).toBeGreaterThan(300);
  const input = JSON.stringify({ ...texts, prelude: ['', programText('prelude')] });
  const script = join(import.meta.dirname, 'programs.fixture.py');
  const { code, stdout, stderr } = await runCommand(['/usr/bin/python3', script], { input });
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
});

test('every program belongs to a technique', () => {
  const own = new Set(techniques.map((technique) => programFileOf(technique)));
  const folder = join(import.meta.dirname, 'techniques');
  const source = readdirSync(folder)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('');
  const stray = programs.filter((file) => {
    const name = file.replace(/-(?:holder|seeker)$/, '');
    return (
      !own.has(name) && !source.includes(`'${name}'`) && !source.includes(`program: '${basename(name)}'`)
    );
  });
  expect(stray).toEqual([]);
});

test('every program technique has a program', () => {
  const missing = techniques.filter((one) => !('run' in one) && !programs.includes(programFileOf(one)));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test('every part is used by a program', () => {
  const parts = files.filter((file) => file.startsWith('parts/'));
  const texts = programs.map((file) => readFileSync(join(programsFolder, `${file}.py`), 'utf8'));
  for (const part of parts)
    expect(
      texts.some((text) => text.startsWith(`# Begins with ${part}.py.\n`)),
      part,
    ).toBe(true);
});
