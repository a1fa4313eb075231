/**
 * `.wardignore` and `.dockerignore`: which files of a folder stay out of an image. The patterns are Docker's: relative
 * to the folder; `*` and `?` within a name; `**` across names; `!` includes again; the last match counts; a matched
 * folder matches everything below it. For every pattern, matching takes time proportional to pattern and path. Source:
 * Docker, "Dockerfile reference", .dockerignore file.
 */
import { imageFault } from '../faults.ts';
import { type CompiledPattern, compilePattern, matchesPathOrParent } from './ignore-pattern.ts';

export interface IgnoreRules {
  /** The result for a path without a leading slash; undefined when no pattern matches. */
  verdict(path: string): 'out' | 'in' | undefined;
  /** Whether content of an excluded folder can be included. */
  readonly takesBack: boolean;
}

interface Rule {
  readonly pattern: CompiledPattern;
  readonly takesBack: boolean;
}

const maxRules = 256;
const byteOrderMark = /^\uFEFF/u;

/** @throws Fault BUILD_FOLDER_INVALID, naming the line */
export function parseIgnoreFile(text: string, fileName: string): IgnoreRules {
  const rules: Rule[] = [];
  for (const [at, line] of text.replace(byteOrderMark, '').split('\n').entries()) {
    if (line.startsWith('#')) continue;
    const trimmed = line.trim();
    const takesBack = trimmed.startsWith('!');
    const plain = cleaned(takesBack ? trimmed.slice(1) : trimmed);
    if (plain === '') continue;
    const refuse = (why: string) =>
      imageFault('BUILD_FOLDER_INVALID', `${fileName}, line ${at + 1}: ${why}`, {
        hint: 'Write patterns as in a .dockerignore file.',
      });
    if (rules.length === maxRules) throw refuse(`more than ${maxRules} patterns`);
    rules.push({ pattern: compilePattern(plain, refuse), takesBack });
  }
  return {
    takesBack: rules.some((rule) => rule.takesBack),
    verdict(path) {
      const last = rules.findLast(({ pattern }) => matchesPathOrParent(pattern, path));
      if (last === undefined) return undefined;
      return last.takesBack ? 'in' : 'out';
    },
  };
}

/** `/a/./b/` → `a/b`; a pattern that points outside of the folder matches nothing. */
function cleaned(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.trim().split('/')) {
    if (part === '..') {
      if (parts.pop() === undefined) return '';
    } else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}
