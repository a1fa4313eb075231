/**
 * All pages, in the order of the rail. To add one: a file below this folder that exports a component with the props
 * `PageProps`, and an entry here.
 */
import type { PageSpec } from '../app/pages.ts';

export const allPages: readonly PageSpec[] = [
  {
    path: 'overview',
    title: 'Overview',
    group: 'What runs',
    needs: 'read-or-operator',
    load: async () => (await import('./overview.tsx')).OverviewPage,
  },
  {
    path: 'functions',
    title: 'Functions',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('./functions.tsx')).Functions,
  },
  {
    path: 'functions/:name',
    title: 'Function',
    needs: 'read',
    load: async () => (await import('./function/function.tsx')).FunctionPage,
  },
  {
    path: 'functions/:package/:name',
    title: 'Function',
    needs: 'read',
    load: async () => (await import('./function/function.tsx')).FunctionPage,
  },
  {
    path: 'new-function',
    title: 'New function',
    needs: 'deploy',
    load: async () => (await import('./function/new-function.tsx')).NewFunction,
  },
  {
    path: 'runs',
    title: 'Runs',
    group: 'What runs',
    needs: 'read',
    load: async () => (await import('./runs.tsx')).Runs,
  },
  {
    path: 'runs/:id',
    title: 'Run',
    needs: 'read',
    load: async () => (await import('./run.tsx')).Run,
  },
  {
    path: 'errors',
    title: 'Errors',
    needs: 'read',
    load: async () => (await import('./errors/errors.tsx')).Errors,
  },
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
    path: 'gate',
    title: 'Gate',
    group: 'What guards it',
    needs: 'read-or-operator',
    load: async () => (await import('./gate/gate.tsx')).Gate,
  },
  {
    path: 'gate/findings',
    title: 'Findings',
    needs: 'read-or-operator',
    load: async () => (await import('./gate/findings.tsx')).Findings,
  },
  {
    path: 'gate/waivers',
    title: 'Waivers',
    needs: 'operator',
    load: async () => (await import('./gate/waivers.tsx')).Waivers,
  },
  {
    path: 'gate/policy',
    title: 'Policy',
    needs: 'operator',
    load: async () => (await import('./gate/policy.tsx')).PolicyPage,
  },
  {
    path: 'gate/report/:digest',
    title: 'Report',
    needs: 'read-or-operator',
    load: async () => (await import('./gate/report.tsx')).ReportPage,
  },
  {
    path: 'isolation',
    title: 'Isolation',
    group: 'What guards it',
    needs: 'operator',
    load: async () => (await import('./isolation/isolation.tsx')).Isolation,
  },
  {
    path: 'namespaces',
    title: 'Namespaces',
    group: 'Who runs it',
    needs: 'operator',
    load: async () => (await import('./namespaces.tsx')).Namespaces,
  },
  {
    path: 'namespaces/:name',
    title: 'Namespace',
    needs: 'operator',
    load: async () => (await import('./admin/namespace.tsx')).Namespace,
  },
  {
    path: 'usage',
    title: 'Data and usage',
    group: 'Who runs it',
    needs: 'read-or-operator',
    load: async () => (await import('./usage/usage.tsx')).Usage,
  },
  {
    path: 'nodes',
    title: 'Nodes',
    group: 'Who runs it',
    needs: 'operator',
    load: async () => (await import('./admin/nodes.tsx')).Nodes,
  },
  {
    path: 'audit',
    title: 'Audit log',
    group: 'Who runs it',
    needs: 'read-or-operator',
    load: async () => (await import('./admin/audit.tsx')).Audit,
  },
  {
    path: 'account',
    title: 'Your login',
    group: 'Who runs it',
    needs: 'anything',
    load: async () => (await import('./admin/account.tsx')).Account,
  },
  {
    path: 'components',
    title: 'Components',
    needs: 'anything',
    load: async () => (await import('./component-gallery.tsx')).ComponentGallery,
  },
];
