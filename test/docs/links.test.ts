/** The targets of links exist, and so does every file that a document names. */
import { existsSync, globSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { anchorsOf, codeBlocksOf, codeWordsOf, linksOf, readText, root } from './markdown.ts';

const documents = [
  'README.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'runners/README.md',
  'examples/README.md',
  'deploy/README.md',
  ...globSync('docs/**/*.md', { cwd: root }),
];
const inRepository = /^(?:src|test|deploy|runners|policies|scripts|examples|docs|bin)\/[\w./-]+$/;

test.each(documents)('%s has only working links', (path) => {
  for (const target of linksOf(readText(path))) {
    const [file = '', anchor] = target.split('#');
    const linked = file === '' ? path : relative(root, join(root, dirname(path), file));
    expect(existsSync(join(root, linked)), `${path}: ${target}`).toBe(true);
    if (anchor !== undefined) expect(anchorsOf(readText(linked)), `${path}: ${target}`).toContain(anchor);
  }
});

test.each(documents)('%s names only existing files', (path) => {
  for (const word of codeWordsOf(readText(path))) {
    if (inRepository.test(word)) expect(existsSync(join(root, word)), `${path}: ${word}`).toBe(true);
  }
});

test('README links to every document', () => {
  const linked = linksOf(readText('README.md'));
  for (const path of globSync('docs/**/*.md', { cwd: root })) expect(linked).toContain(path);
});

/** Another user can have made such a folder, with a `.npmrc` in it. A Dockerfile's `/tmp` is in a container. */
test.each(documents)('%s has no command that works in a predictable folder in /tmp', (path) => {
  const commands = codeBlocksOf(readText(path))
    .filter(({ info }) => /^(?:sh|console)\b/.test(info))
    .flatMap(({ text }) => text.split('\n'))
    .filter((line) => !/^(?:RUN|COPY) /.test(line));
  expect(commands.filter((line) => /(?<![\w.])\/(?:var\/)?tmp\//.test(line))).toEqual([]);
});
