/**
 * Follows the symbolic links of a folder step by step, only through entries that go into the image: it reads neither
 * the machine's own files nor the layers below. Refuses a link that would leave the folder at any step.
 */
import { imageFault } from '../faults.ts';
import { showName } from '../unpack/entry-name.ts';
import type { FolderEntry } from './folder-entry.ts';

/** Linux follows this many for one path. */
const maxHops = 40;
/** Limit of path components to follow, for all links together: a hostile folder could make this run for ever. */
const maxSteps = 50_000_000;

interface Search {
  readonly links: ReadonlyMap<string, string>;
  steps: number;
}

/** @throws Fault BUILD_FOLDER_INVALID, BUILD_FOLDER_TOO_LARGE */
export function checkLinks(entries: readonly FolderEntry[]): void {
  const links = new Map<string, string>();
  for (const entry of entries) if (entry.type === 'link') links.set(entry.path, entry.target);
  const search: Search = { links, steps: 0 };
  for (const path of links.keys()) follow(path, search);
}

function follow(link: string, search: Search): void {
  const done: string[] = [];
  const todo = link.split('/').reverse();
  let hops = 0;
  for (let part = todo.pop(); part !== undefined; part = todo.pop()) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (done.pop() === undefined) throw leadsOut(link, search);
      continue;
    }
    done.push(part);
    search.steps += done.length;
    if (search.steps > maxSteps)
      throw imageFault('BUILD_FOLDER_TOO_LARGE', 'the folder has too many links to follow');
    const target = search.links.get(done.join('/'));
    if (target === undefined) continue;
    if (target.startsWith('/')) throw leadsOut(link, search);
    if (++hops > maxHops) throw refused(link, 'is circular');
    done.pop();
    todo.push(...target.split('/').reverse());
  }
}

function leadsOut(link: string, { links }: Search): Error {
  return refused(link, `points outside of the folder, through ${showName(links.get(link) ?? '')}`);
}

function refused(link: string, what: string): Error {
  return imageFault('BUILD_FOLDER_INVALID', `the link ${showName(link)} ${what}`, {
    hint: 'Copy the target of the link into the folder, or list the link in .wardignore.',
  });
}
