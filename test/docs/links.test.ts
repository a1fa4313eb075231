/** Links lead somewhere, and every file that a document names is there. */
import { existsSync, globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, codeWordsOf, linksOf, readText, root } from './markdown.ts';

const documents = [
  'README.md',
  'CHANGELOG.md',
  'runners/README.md',
  'examples/README.md',
  ...globSync('docs/**/*.md', { cwd: root }),
];
const inRepository = /^(?:src|test|runners|policies|scripts|examples|docs|bin)\/[\w./-]+$/;

test.each(documents)('%s links to what there is', (path) => {
  for (const target of linksOf(readText(path))) {
    const [file = '', anchor] = target.split('#');
    const linked = file === '' ? path : relative(root, join(root, dirname(path), file));
    expect(existsSync(join(root, linked)), `${path}: ${target}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(readText(linked)), `${path}: ${target}`).toContain(anchor);
  }
});

test.each(documents)('%s names files that there are', (path) => {
  for (const word of codeWordsOf(readText(path))) {
    if (inRepository.test(word)) expect(existsSync(join(root, word)), `${path}: ${word}`).toBe(true);
  }
});

test('README leads to every document', () => {
  const linked = linksOf(readText('README.md'));
  for (const path of globSync('docs/**/*.md', { cwd: root })) expect(linked).toContain(path);
});
