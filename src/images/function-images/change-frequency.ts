/**
 * Which layer a file belongs to, by how often it changes: dependencies, which a package manager put there, seldom; the
 * function's own code with every build. So most builds make one small layer, and registries and hosts have the rest.
 */
import type { FolderEntry } from './folder-entry.ts';

export interface LayerFiles {
  readonly role: 'dependencies' | 'code';
  readonly entries: readonly FolderEntry[];
}

/** Wherever they are. */
const anywhere = new Set(['node_modules', 'site-packages']);
/** At the root only: deeper down the name may mean anything. */
const atRoot = new Set(['.venv', 'vendor', 'venv', 'virtualenv']);

/** Those that hold something, what changes least first. */
export function byChangeFrequency(entries: readonly FolderEntry[]): readonly LayerFiles[] {
  const dependencies: FolderEntry[] = [];
  const code: FolderEntry[] = [];
  for (const entry of entries) (isDependency(entry.path) ? dependencies : code).push(entry);
  const layers: readonly LayerFiles[] = [
    { role: 'dependencies', entries: dependencies },
    { role: 'code', entries: code },
  ];
  return layers.filter((layer) => layer.entries.length > 0);
}

function isDependency(path: string): boolean {
  const parts = path.split('/');
  return atRoot.has(parts[0] ?? '') || parts.some((part) => anywhere.has(part));
}
