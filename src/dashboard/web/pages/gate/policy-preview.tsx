/** What a draft of the policy would change: all stored reports are judged by it, and nothing is stored. */

import { useEffect, useState } from 'preact/hooks';
import type { PolicyChange, PolicyPreview } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { linkTo } from '../../app/router.ts';
import { LoadView } from '../../components/load-view.tsx';
import { type Column, Table } from '../../components/table.tsx';
import { countedText, countText } from '../../components/units.ts';
import { type Loaded, useLoad } from '../../components/use-load.ts';
import { OutcomeStatus } from './gate-words.tsx';

/** After the last key. */
const restMs = 600;
/** So many requests, of 100 reports each, are made for one draft. */
const mostRounds = 50;
const mostShown = 200;

/** Judges by the draft when nothing is typed any more. Undefined without a draft. */
export function usePreview(draft: string | undefined): Loaded<PolicyPreview | undefined> | undefined {
  const [settled, setSettled] = useState(draft);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(draft), restMs);
    return () => clearTimeout(timer);
  }, [draft]);
  const loaded = useLoad(
    async (signal) => (settled === undefined ? undefined : await previewAll(settled, signal)),
    settled ?? '',
  );
  if (draft === undefined) return undefined;
  return settled === draft ? loaded : { ...loaded, data: undefined, error: undefined, isLoading: true };
}

async function previewAll(text: string, signal: AbortSignal): Promise<PolicyPreview> {
  const ask = (body: object) =>
    call<PolicyPreview>('POST', '/ward/v1/operator/policy/preview', { body, signal });
  let all = await ask({ text });
  for (let round = 1; round < mostRounds && all.next !== null; round++) {
    const page = await ask({ text, after: all.next });
    all = {
      ...page,
      reportsRead: all.reportsRead + page.reportsRead,
      judged: all.judged + page.judged,
      changed: all.changed + page.changed,
      denied: all.denied + page.denied,
      admitted: all.admitted + page.admitted,
      changes: [...all.changes, ...page.changes].slice(0, mostShown),
    };
  }
  return all;
}

const columns: readonly Column<PolicyChange>[] = [
  {
    title: 'What',
    cell: ({ digest, name, stage, namespace }) => (
      <>
        <a class="breaks" href={linkTo(['gate', 'report', digest])} target="_blank" rel="noopener">
          {name}
        </a>
        <div class="quiet breaks">{`${stage}, ${namespace}`}</div>
      </>
    ),
  },
  {
    title: 'Now, and then',
    cell: ({ before, after }) => (
      <>
        <OutcomeStatus outcome={before.outcome} />
        <div>
          <OutcomeStatus outcome={after.outcome} />
        </div>
      </>
    ),
  },
  { title: 'By the rule', cell: (change) => <Rules change={change} /> },
];

/** Those that newly apply, or that no longer do. */
function Rules({ change: { before, after } }: { readonly change: PolicyChange }) {
  const missingIn = (other: PolicyChange['after']) => (rule: PolicyChange['after']['rules'][number]) =>
    !other.rules.some((each) => each.rule === rule.rule && each.outcome === rule.outcome);
  const added = after.rules.filter(missingIn(before));
  const gone = before.rules.filter(missingIn(after));
  return (
    <>
      {added.map(({ rule, text }) => (
        <div class="breaks" key={rule}>
          <code>{rule}</code> {text}
        </div>
      ))}
      {added.length === 0 &&
        gone.map(({ rule }) => (
          <div class="breaks" key={rule}>
            no longer <code>{rule}</code>
          </div>
        ))}
    </>
  );
}

interface ViewProps {
  readonly preview: ReturnType<typeof usePreview>;
  readonly reports: number;
}

export function PolicyPreviewView({ preview, reports }: ViewProps) {
  if (preview === undefined)
    return (
      <p class="quiet">
        Change the policy: {countedText(reports, 'stored report')} will be judged by the draft. Nothing is
        stored, and nothing is scanned again.
      </p>
    );
  return (
    <LoadView loaded={preview}>
      {(found) =>
        found !== undefined && (
          <div class="stack">
            <Problems problems={found.problems} />
            {found.revision !== null && <Changes found={found} />}
          </div>
        )
      }
    </LoadView>
  );
}

function Problems({ problems }: Pick<PolicyPreview, 'problems'>) {
  if (problems.length === 0) return null;
  return (
    <ul class="note bad" aria-label="Problems">
      {problems.map(({ line, path, message, suggestion }) => (
        <li class="breaks" key={`${line} ${path} ${message}`}>
          line {line}: {path !== '' && <code>{path}</code>} {message}
          {suggestion !== undefined && `; ${suggestion}`}
        </li>
      ))}
    </ul>
  );
}

function Changes({ found }: { readonly found: PolicyPreview }) {
  const { judged, changed, denied, admitted, changes, reportsRead, next } = found;
  return (
    <>
      <p role="status">
        {changed === 0 ? 'No verdict' : countedText(changed, 'verdict')} of {countText(judged)} would change.
        {changed > 0 && ` ${countText(denied)} become denials, ${countText(admitted)} are denied no more.`}
        {next !== null && ` Only the first ${countText(reportsRead)} reports were judged.`}
      </p>
      {changes.length > 0 && (
        <Table
          caption="Verdicts that would change"
          columns={columns}
          rows={changes}
          keyOf={({ digest, stage, namespace }) => `${digest} ${stage} ${namespace}`}
        />
      )}
      {changed > changes.length && (
        <p class="quiet">
          These are the first {countText(changes.length)}. All: <code>ward policy test --policy FILE</code>
        </p>
      )}
    </>
  );
}
