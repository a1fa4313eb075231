/** What to type in a terminal about a run: the call again, with its input if it is known; and its record. */
import type { ComponentChildren } from 'preact';
import {
  type CommandLines,
  fetchLines,
  inputLine,
  inputOf,
  isForFile,
  repeatLines,
} from '../api/command-lines.ts';
import { readKeptInput } from '../api/kept-input.ts';
import { isFiring, type RunRecord } from '../api/runs.ts';
import { currentSession, may } from '../app/session.ts';
import { CommandLine } from '../components/command-line.tsx';
import { LoadView } from '../components/load-view.tsx';
import { useLoad } from '../components/use-load.ts';
import { AboutInput } from './replay.tsx';

export function RunCommands({ id, record }: { readonly id: string; readonly record: RunRecord }) {
  return (
    <section class="stack" aria-label="Elsewhere">
      <h2>In a terminal</h2>
      {may('invoke') &&
        (isFiring(record) ? <Again id={id} record={record} /> : <CallAgain {...{ id, record }} />)}
      <Lines title="Fetch the record" lines={fetchLines(id)} />
    </section>
  );
}

interface AgainProps {
  readonly id: string;
  readonly record: RunRecord;
}

function CallAgain({ id, record }: AgainProps) {
  const loaded = useLoad((signal) => readKeptInput(id, signal), id);
  return <LoadView loaded={loaded}>{(kept) => <Again id={id} record={record} kept={kept} />}</LoadView>;
}

function Again({ id, record, kept }: AgainProps & { readonly kept?: Parameters<typeof inputOf>[1] }) {
  const input = inputOf(record, kept);
  return (
    <Lines
      title={isFiring(record) ? 'Fire it again' : 'Call it again'}
      lines={repeatLines(record, currentSession()?.namespace ?? '', input)}
    >
      {kept !== undefined && <AboutInput kept={kept} />}
      {isForFile(input) && (
        <>
          <p class="quiet">The input is long, so it is in a file, which this writes:</p>
          <CommandLine text={inputLine(id, record)} />
          {kept?.is === 'redacted' && (
            <p class="quiet">
              The file has <code>[redacted]</code> where a value is missing. Write the values there.
            </p>
          )}
        </>
      )}
    </Lines>
  );
}

interface LinesProps {
  readonly title: string;
  readonly lines: CommandLines;
  readonly children?: ComponentChildren;
}

function Lines({ title, lines: { ward, curl }, children }: LinesProps) {
  return (
    <section class="stack" aria-label={title}>
      <h3>{title}</h3>
      {children}
      <CommandLine text={ward} />
      <CommandLine text={curl} />
    </section>
  );
}
