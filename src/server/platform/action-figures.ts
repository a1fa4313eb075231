/** Of each action in a page of the list, the gate's verdict on a call now, and how its last calls did. */
import type { ListActionFigures } from '../../api/index.ts';
import type { CodeGate, Functions } from '../../functions/index.ts';
import { gateAnswer } from './explain-action.ts';

interface FigureParts {
  readonly functions: {
    readonly actions: Pick<Functions['actions'], 'runnables'>;
    readonly readFigures: Functions['readFigures'];
  };
  readonly codeGate: Pick<CodeGate, 'mayRun'>;
}

export function createActionFigureList({ functions, codeGate }: FigureParts): ListActionFigures {
  return async ({ namespace }, { search, ...page }) => {
    const listed = await functions.actions.runnables(
      { namespace, package: undefined, search },
      page,
      namespace,
    );
    const figures = await functions.readFigures(
      namespace,
      listed.map(({ path }) => path),
    );
    return Promise.all(
      figures.map(async (figures, at) => {
        const { path = '', runnable } = listed[at] ?? {};
        const gate = runnable === undefined ? null : await gateAnswer(codeGate, runnable, namespace);
        return { name: path, gate, ...figures };
      }),
    );
  };
}
