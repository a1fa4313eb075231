/** The operator's VEX as operators see it: statements that count, and findings that they silence. */
import type { ShownStatement, Vex } from '../../answers/index.ts';
import { applyVex, packageUrlText, type VexStatement } from '../../gate/index.ts';
import type { Report } from '../../scanner/index.ts';
import type { VexSource } from './vex-source.ts';

/** The newest first. */
export function shownVex(
  source: Pick<VexSource, 'current' | 'source' | 'problem'>,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): Vex {
  const { statements } = source.current();
  const page = statements.toSorted((one, other) => other.at - one.at).slice(skip, skip + limit);
  return {
    source: source.source(),
    total: statements.length,
    statements: page.map(shown),
    problem: source.problem() ?? null,
  };
}

/** The findings of a report that these statements silence, each with the statement in words. */
export function silencedIn(report: Report, statements: readonly VexStatement[]) {
  return applyVex({ ...report, suppressed: [] }, statements).suppressed.map(({ finding, reason }) => ({
    finding: { id: finding.id, title: finding.title, package: packageOf(finding) },
    reason,
  }));
}

function packageOf(finding: Report['findings'][number]): string | null {
  return 'component' in finding && finding.component !== undefined ? finding.component.purl : null;
}

function shown(statement: VexStatement): ShownStatement {
  const { document = '', ids, status, justification, author, at, products } = statement;
  return {
    ...{ document, ids, status, justification, author, at: at === 0 ? null : at },
    products: products.flatMap(productText),
  };
}

function productText({
  package: product,
  digest,
  versions,
  components,
}: VexStatement['products'][number]): readonly string[] {
  const name = product === undefined ? digest : packageUrlText(product);
  if (name === undefined) return [];
  const only = versions === undefined ? '' : ` ${versions.join(', ')}`;
  const parts = components.length === 0 ? '' : ` (${components.map(packageUrlText).join(', ')})`;
  return [`${name}${only}${parts}`];
}
