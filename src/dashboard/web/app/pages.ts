/** What a page is, and which ones there are. `pages/registry.ts` has the list. What a session may not do is not shown. */
import type { ComponentType } from 'preact';
import type { Need } from './session.ts';

export interface PageProps {
  /** Values of the path's `:names`. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
}

export type RailGroup = 'What runs' | 'What guards it' | 'Who runs it';
export const railGroups: readonly RailGroup[] = ['What runs', 'What guards it', 'Who runs it'];

export interface PageSpec {
  /** Below `/console/`: `runs/:id`. */
  readonly path: string;
  readonly title: string;
  /** Absent: the rail does not list it. */
  readonly group?: RailGroup;
  readonly needs: Need;
  readonly load: () => Promise<ComponentType<PageProps>>;
}

/** In the order of the rail. */
export const pages: PageSpec[] = [];

/** Called once, before the first page is shown. */
export function addPages(all: readonly PageSpec[]): void {
  pages.push(...all);
}

export interface FoundPage {
  readonly page: PageSpec;
  readonly path: Readonly<Record<string, string>>;
}

/** The page of an address. It does not check who may see it. */
export function findPage(parts: readonly string[]): FoundPage | undefined {
  for (const page of pages) {
    const path = matchPath(page.path.split('/'), parts);
    if (path !== undefined) return { page, path };
  }
  return undefined;
}

function matchPath(
  pattern: readonly string[],
  parts: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (pattern.length !== parts.length) return undefined;
  const values: Record<string, string> = {};
  for (const [at, each] of pattern.entries()) {
    const part = parts[at] ?? '';
    if (each.startsWith(':')) values[each.slice(1)] = part;
    else if (each !== part) return undefined;
  }
  return values;
}
