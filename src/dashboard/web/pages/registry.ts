/**
 * All pages, in the order of the rail. To add one: a file below this folder that exports a component with the props
 * `PageProps`, and an entry here.
 */
import type { PageSpec } from '../app/pages.ts';

export const allPages: readonly PageSpec[] = [
  {
    path: 'triggers',
    title: 'Triggers',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('./triggers/triggers.tsx')).Triggers,
  },
  {
    path: 'triggers/:name',
    title: 'Trigger',
    needs: 'read',
    load: async () => (await import('./triggers/trigger.tsx')).Trigger,
  },
  {
    path: 'dead-letters',
    title: 'Dead letters',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('./triggers/dead-letters.tsx')).DeadLetters,
  },
  {
    path: 'namespaces',
    title: 'Namespaces',
    group: 'Who runs it',
    needs: 'operator',
    load: async () => (await import('./namespaces.tsx')).Namespaces,
  },
  {
    path: 'components',
    title: 'Components',
    needs: 'anything',
    load: async () => (await import('./component-gallery.tsx')).ComponentGallery,
  },
];
