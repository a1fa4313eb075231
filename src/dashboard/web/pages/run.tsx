/** One run: how it ended, where its time went, its result and its log. Live while it runs. */
import { useState } from 'preact/hooks';
import { cancelCalls } from '../api/calls.ts';
import {
  annotationOf,
  functionOf,
  getRun,
  hasEnded,
  isFiring,
  namespaceOf,
  type RunRecord,
} from '../api/runs.ts';
import type { PageProps } from '../app/pages.ts';
import { linkTo } from '../app/router.ts';
import { currentSession, may } from '../app/session.ts';
import { Button } from '../components/button.tsx';
import { Confirm } from '../components/confirm.tsx';
import { Identifier } from '../components/copy.tsx';
import { type Fact, Facts } from '../components/facts.tsx';
import { LoadView } from '../components/load-view.tsx';
import { tell } from '../components/messages.ts';
import { PageHead } from '../components/page-head.tsx';
import { Time } from '../components/time.tsx';
import { durationText, sizeText } from '../components/units.ts';
import { useLoad } from '../components/use-load.ts';
import { LiveLogView, LogView } from './logs/log-view.tsx';
import { Network } from './network.tsx';
import { Parts, partsOf } from './parts.tsx';
import { Phases } from './phases.tsx';
import { Replay } from './replay.tsx';
import { RunCommands } from './run-commands.tsx';
import { RunStatus } from './run-status.tsx';
import { Violations } from './violations.tsx';

export function Run({ path }: PageProps) {
  const { id = '' } = path;
  const loaded = useLoad((signal) => getRun(id, signal), id);
  return (
    <LoadView loaded={loaded}>
      {(record) => <RunView key={id} id={id} record={record} onEnd={loaded.reload} />}
    </LoadView>
  );
}

const noLogs: readonly unknown[] = [];

interface RunViewProps {
  readonly id: string;
  readonly record: RunRecord;
  readonly onEnd: () => void;
}

function RunView({ id, record, onEnd }: RunViewProps) {
  const [isReplaying, setReplaying] = useState(false);
  const [isCancelling, setCancelling] = useState(false);
  const isOver = hasEnded(record);
  const name = functionOf(record);
  const parts = isOver ? partsOf(record) : [];
  return (
    <>
      <PageHead
        title={<Source record={record} />}
        about={
          <>
            Run <Identifier text={id} what="id of the run" /> ·{' '}
            <a href={linkTo(['runs'], { name })}>Its runs</a>
          </>
        }
      >
        {may('invoke') && !isOver && (
          <Button kind="danger" onClick={() => setCancelling(true)}>
            Cancel…
          </Button>
        )}
        {may('invoke') && !isFiring(record) && <Button onClick={() => setReplaying(true)}>Run again…</Button>}
      </PageHead>
      <div class="stack wide">
        <Facts facts={factsOf(record)} isAcross />
        {isOver && <Phases run={record} />}
        <Network run={record} />
        <Violations run={record} />
        <div class="columns">
          <ResultView record={record} />
          {parts.length > 0 ? (
            <Parts ids={parts} />
          ) : isOver ? (
            <LogView lines={record.logs ?? noLogs} partial={annotationOf(record, 'partialLog')} />
          ) : (
            <LiveLogView id={id} isLive onEnd={onEnd} />
          )}
        </div>
        <RunCommands id={id} record={record} />
      </div>
      {isCancelling && !isOver && (
        <Confirm
          title={`Cancel this run of ${name}?`}
          action="Cancel the run"
          onClose={() => setCancelling(false)}
          run={async () => {
            const count = await cancelCalls([id]);
            tell(count === 0 ? 'It had ended already.' : 'Cancelled the run.');
          }}
        >
          <p>What it has done until now stays done. Its record says that it was cancelled.</p>
        </Confirm>
      )}
      {isReplaying && <Replay id={id} name={name} onClose={() => setReplaying(false)} />}
    </>
  );
}

/** What ran, with a link to its page if the session can open it. */
function Source({ record }: { readonly record: RunRecord }) {
  const name = functionOf(record);
  if (isFiring(record)) return <a href={linkTo(['triggers', name])}>{name}</a>;
  if (namespaceOf(record) !== currentSession()?.namespace) return <>{name}</>;
  return <a href={linkTo(['functions', ...name.split('/')])}>{name}</a>;
}

function factsOf(record: RunRecord): readonly Fact[] {
  const { start, duration, version, response, cause } = record;
  const kind = annotationOf(record, 'kind');
  const memory = memoryOf(record);
  const trace = annotationOf(record, 'traceId');
  return [
    ['Outcome', <RunStatus key="outcome" run={record} />],
    ['Started', <Time key="started" at={start} />],
    isFiring(record)
      ? undefined
      : ['Duration', duration === undefined ? 'so far unknown' : durationText(duration)],
    typeof kind === 'string' ? ['Kind', kind] : undefined,
    version === undefined ? undefined : ['Revision', version],
    memory === undefined ? undefined : ['Memory limit', sizeText(memory * 1024 * 1024)],
    response?.size === undefined ? undefined : ['Result', sizeText(response.size)],
    cause === undefined ? undefined : ['Part of', <RunLink key="cause" id={cause} />],
    typeof trace === 'string'
      ? ['Trace', <Identifier key="trace" text={trace} what="id of the trace" />]
      : undefined,
  ];
}

function RunLink({ id }: { readonly id: string }) {
  return (
    <a class="mono" href={linkTo(['runs', id])}>
      {id}
    </a>
  );
}

function ResultView({ record }: { readonly record: RunRecord }) {
  const hint = annotationOf(record, 'hint');
  const result = record.response?.result;
  return (
    <section class="stack" aria-label="Result">
      <div class="section-head">
        <h2>Result</h2>
      </div>
      {typeof hint === 'string' && <p class="note warn preserved">{hint}</p>}
      {!hasEnded(record) ? (
        <p class="quiet">It has not ended.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a long result scrolls, also by keyboard
        <pre class="text-block" tabIndex={0}>
          {JSON.stringify(result ?? null, null, 2)}
        </pre>
      )}
    </section>
  );
}

function memoryOf(record: RunRecord): number | undefined {
  const limits = annotationOf(record, 'limits');
  const memory = typeof limits === 'object' && limits !== null ? Reflect.get(limits, 'memory') : undefined;
  return typeof memory === 'number' ? memory : undefined;
}
