/** The operator's VEX as operators see it: statements that count, and findings that they silence. */
import { applyVex, packageUrlText, type VexStatement } from '../../gate/index.ts';
import type { Report } from '../../scanner/index.ts';
import type { VexSource } from './vex-source.ts';

/** One statement, for people and programs. */
interface ShownStatement {
  /** Name of the document that has it. */
  readonly document: string;
  /** All names of the vulnerability. */
  readonly ids: readonly string[];
  readonly status: VexStatement['status'];
  readonly justification: string;
  readonly author: string;
  /** Epoch milliseconds; null: it does not say when it was made. */
  readonly at: number | null;
  /** Package URLs and digests. Empty: it names none that Ward can read, so it counts for nothing. */
  readonly products: readonly string[];
}

export interface ShownVex {
  /** Where the documents are: in the folder of this node, or in the database; null: there are none. */
  readonly source: 'folder' | 'database' | null;
  readonly total: number;
  readonly statements: readonly ShownStatement[];
  /** Why the documents can't be read; null: they can be. Until then the statements of before count. */
  readonly problem: string | null;
}

/** The newest first. */
export function shownVex(
  source: Pick<VexSource, 'current' | 'source' | 'problem'>,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): ShownVex {
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
