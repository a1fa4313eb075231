/** Compares two revisions of the code of an action, file by file. */
import { type CodeFiles, isSameFile } from './code-files.ts';
import { printableLine } from './printable.ts';
import { unifiedDiff } from './unified-diff.ts';

export interface CodeChange {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** Unified; absent for what is no text, is large, or differs in too much. */
  readonly diff?: string;
}

/**
 * By path; empty when nothing differs.
 * @param compareMs for the lines of all files together. Then the rest is listed without lines
 */
export function codeChanges(earlier: CodeFiles, now: CodeFiles, compareMs = 5000): readonly CodeChange[] {
  const end = performance.now() + compareMs;
  const paths = [...new Set([...earlier.keys(), ...now.keys()])].toSorted();
  return paths.flatMap((path): CodeChange[] => {
    const [before, after] = [earlier.get(path), now.get(path)];
    if (isSameFile(before, after)) return [];
    if (before === undefined) return [{ path, change: 'added' }];
    if (after === undefined) return [{ path, change: 'removed' }];
    const diff = performance.now() < end ? diffOf(path, before.text, after.text) : undefined;
    return [{ path, change: 'changed', ...(diff === undefined ? {} : { diff }) }];
  });
}

/** The changes for people: whole files first, then the lines of the others. */
export function diffLines(changes: readonly CodeChange[]): readonly string[] {
  const whole = changes.filter(({ diff }) => diff === undefined);
  const lines = changes.flatMap(({ diff }) => diff?.trimEnd().split('\n') ?? []);
  return [...whole.map(({ path, change }) => `${change}: ${printableLine(path)}`), ...lines];
}

function diffOf(path: string, before: string | undefined, after: string | undefined): string | undefined {
  if (before === undefined || after === undefined) return undefined;
  const lines = unifiedDiff(before, after);
  const shown = printableLine(path);
  return lines && [`--- a/${shown}`, `+++ b/${shown}`, ...lines, ''].join('\n');
}
