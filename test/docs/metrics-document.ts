/** The table of metrics in docs/operations.md, and the metrics that queries in PromQL use. */
import { columnsOf, readText, tableOf } from './markdown.ts';

/** Metrics of Ward with their labels, as the document lists them. */
export function documentedMetrics(): ReadonlyMap<string, readonly string[]> {
  const columns = columnsOf(tableOf(readText('docs/operations.md'), 'metric'), 'metric', 'labels');
  return new Map(
    Object.entries(columns)
      .filter(([name]) => !name.includes('*'))
      .map(([name, labels]) => [name, labels.split(', ').filter((label) => label !== '')]),
  );
}

/** Metrics of a query, without the endings of the series of histograms. */
export function metricsOf(query: string): readonly string[] {
  const names = query.match(/\b(?:ward|process|nodejs)_[a-z0-9_]+/g) ?? [];
  return names.map((name) => name.replace(/_seconds_(?:bucket|sum|count)$/, '_seconds'));
}

/** Names of labels in the braces and groupings of a query. */
export function labelsOf(query: string): readonly string[] {
  const inBraces = [...query.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map((match) => match[1] ?? '');
  const groups = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap((match) => (match[1] ?? '').split(/, */));
  return [...inBraces, ...groups];
}

/** The queries of Grafana's dashboard, with its variables replaced by values. */
export function dashboardQueries(): readonly string[] {
  const { panels } = JSON.parse(readText('docs/operations/grafana-dashboard.json')) as {
    panels: readonly { targets?: readonly { expr: string }[] }[];
  };
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return queries.map((query) => query.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*'));
}
