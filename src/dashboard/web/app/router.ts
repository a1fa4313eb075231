/** The address of the page, below the root of the console. Links are ordinary ones; a click on one stays in this document. */
import { signal } from '@preact/signals';
import { prefix } from '../api/prefix.ts';

export const root = `${prefix}/console/`;

export interface Place {
  /** Decoded parts of the path after the root. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export const place = signal<Place>(read());

export function startRouter(): void {
  window.addEventListener('popstate', () => {
    place.value = read();
  });
  document.addEventListener('click', followHere);
}

/** A link to a page. Filters that are '' are left out. */
export function linkTo(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return root + parts.map(encodeURIComponent).join('/') + (search === '' ? '' : `?${search}`);
}

/** @param how `replace`: the browser's way back skips the page that is left */
export function goTo(link: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', link);
  else history.replaceState(null, '', link);
  place.value = read();
}

/** Changes filters of this page, and keeps the others. */
export function setQuery(changes: Readonly<Record<string, string>>): void {
  const query = { ...Object.fromEntries(place.value.query), ...changes };
  goTo(linkTo(place.value.parts, query), 'replace');
}

function read(): Place {
  const { pathname, search } = window.location;
  const parts = pathname
    .slice(root.length)
    .split('/')
    .filter((part) => part !== '')
    .map(decoded);
  return { parts, query: new URLSearchParams(search) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function followHere(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || link.target !== '' || link.origin !== window.location.origin) return;
  if (!link.pathname.startsWith(root) || link.hasAttribute('download')) return;
  event.preventDefault();
  const { pathname, search } = window.location;
  if (link.pathname !== pathname || link.search !== search) goTo(link.pathname + link.search);
}
