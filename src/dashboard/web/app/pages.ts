/**
 * All pages, in the order of the rail. To add one: a file below `pages/` that exports a component with the props
 * `PageProps`, and an entry here. What a session may not do is not shown.
 */
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

export const pages: readonly PageSpec[] = [
  {
    path: 'triggers',
    title: 'Triggers',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('../pages/triggers/triggers.tsx')).Triggers,
  },
  {
    path: 'triggers/:name',
    title: 'Trigger',
    needs: 'read',
    load: async () => (await import('../pages/triggers/trigger.tsx')).Trigger,
  },
  {
    path: 'dead-letters',
    title: 'Dead letters',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('../pages/triggers/dead-letters.tsx')).DeadLetters,
  },
  {
    path: 'namespaces',
    title: 'Namespaces',
    group: 'Who runs it',
    needs: 'operator',
    load: async () => (await import('../pages/namespaces.tsx')).Namespaces,
  },
  {
    path: 'components',
    title: 'Components',
    needs: 'anything',
    load: async () => (await import('../pages/component-gallery.tsx')).ComponentGallery,
  },
];

export interface FoundPage {
  readonly page: PageSpec;
  readonly path: Readonly<Record<string, string>>;
}

/** The page of an address, whoever may see it. */
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
