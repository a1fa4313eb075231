/** One function: its code in an editor, and its result and log when it is run from here. */
import { useState } from 'preact/hooks';
import { ApiError } from '../../api/client.ts';
import type { Draft } from '../../api/drafts.ts';
import {
  changeFunction,
  deleteFunction,
  type EarlierCode,
  type FunctionExec,
  type FunctionRecord,
  getFunction,
} from '../../api/functions.ts';
import type { PageProps } from '../../app/pages.ts';
import { goTo, linkTo } from '../../app/router.ts';
import { may } from '../../app/session.ts';
import { Button } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { CommandLine } from '../../components/command-line.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { ErrorNote } from '../../components/error-note.tsx';
import { type Fact, Facts } from '../../components/facts.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { Time } from '../../components/time.tsx';
import { countText, durationText } from '../../components/units.ts';
import { useLoad } from '../../components/use-load.ts';
import { DraftNote, LostDraft, NotSaved, useDraft, useKeeping } from '../draft.tsx';
import { CompareWithEarlier, EarlierNote, textOf } from './earlier-code.tsx';
import { ExplainedView, networkText, useExplained } from './explained.tsx';
import { Latency } from './latency.tsx';
import { TryFunction } from './try-function.tsx';

export function FunctionPage({ path }: PageProps) {
  const { package: inPackage, name = '' } = path;
  const whole = inPackage === undefined ? name : `${inPackage}/${name}`;
  const loaded = useLoad((signal) => getFunction(whole, signal), whole);
  return (
    <>
      <LoadView loaded={loaded}>
        {(record) => <FunctionView key={whole} path={whole} first={record} />}
      </LoadView>
      {loaded.error instanceof ApiError && loaded.error.status === 404 && <Orphan key={whole} path={whole} />}
    </>
  );
}

/** What was typed for a function that is gone can still be copied. */
function Orphan({ path }: { readonly path: string }) {
  const { restored, end } = useDraft(path);
  return may('deploy') && <LostDraft of={path} since="deleted" {...{ restored }} onDiscard={() => end()} />;
}

function FunctionView({ path, first }: { readonly path: string; readonly first: FunctionRecord }) {
  const { item, restored, end } = useDraft(path);
  const isTextAtFirst = isTextCode(first.exec);
  const draft = isTextAtFirst && may('deploy') && restored?.text !== first.exec.code ? restored : undefined;
  // With its tag, so that it overwrites nothing that was saved since.
  const [record, setRecord] = useState({ ...first, tag: draft?.tag ?? first.tag });
  const [code, setCode] = useState(draft?.text ?? first.exec.code ?? '');
  // What the text in the editor was written for.
  const [written, setWritten] = useState<FunctionExec>(draft?.exec ?? first.exec);
  const [error, setError] = useState<unknown>();
  const [isDeleting, setDeleting] = useState(false);
  const [isComparing, setComparing] = useState(false);
  const [earlier, setEarlier] = useState<EarlierCode>();
  const explained = useExplained(path, record.version);
  const { exec } = record;
  const isText = isTextCode(exec);
  const isChanged = isText && code !== exec.code;
  const isEditable = isText && may('deploy');
  const isOfOtherKind = isText && written.kind !== exec.kind;
  const maySave = isEditable && isChanged && !isOfOtherKind;
  const isKept = useKeeping(
    item,
    isChanged ? { text: code, name: '', exec: execOf(written), tag: record.tag } : undefined,
    isEditable,
  );
  const discard = () => {
    const stored = record.tag === restored?.tag ? first : record;
    setRecord(stored);
    setCode(stored.exec.code ?? '');
    setWritten(stored.exec);
    end();
  };
  const before = earlier === undefined ? (isComparing && isChanged ? exec.code : undefined) : textOf(earlier);
  /** @param as with its kind and entry point */
  const save = async (as: FunctionExec) => {
    setError(undefined);
    try {
      const { binary: _, ...rest } = as;
      const saved = await changeFunction(path, { ...rest, code }, record.tag);
      setRecord({ ...record, ...saved, exec: { ...as, code } });
      setWritten(as);
      setEarlier(undefined);
      end(code);
      tell(`Saved ${path} as revision ${saved.version}.`);
    } catch (failure) {
      setError(failure);
    }
  };
  const restore = (text: string, old: FunctionExec) => {
    setCode(text);
    setWritten(old);
  };
  const compareWithStored = async () => {
    try {
      const stored = await getFunction(path);
      if (!isTextCode(stored.exec)) throw new Error(noText);
      setRecord(stored);
      setEarlier(undefined);
      setComparing(true);
      setError(undefined);
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <>
      <PageHead title={path} about={<a href={linkTo(['runs'], { name: path })}>Its runs</a>}>
        {may('deploy') && (
          <Button kind="danger" onClick={() => setDeleting(true)}>
            Delete…
          </Button>
        )}
        {isEditable && (
          <Button kind="primary" isDisabled={!maySave} onClick={() => void save(exec)}>
            Save
          </Button>
        )}
      </PageHead>
      <div class="stack wide">
        <Facts facts={factsOf(record, networkText(explained))} isAcross />
        {error !== undefined && <ErrorNote error={error} onDismiss={() => setError(undefined)} />}
        {error instanceof ApiError && error.code === 'ENTITY_CHANGED' && (
          <p class="row">
            <span>Your text is not saved, and nothing of it is lost.</span>
            <Button onClick={() => void compareWithStored()}>Compare it with what is stored</Button>
          </p>
        )}
        {isChanged && (
          <DraftNote
            of={path}
            restored={draft}
            since={draft?.tag === first.tag ? undefined : 'changed'}
            onDiscard={discard}
          />
        )}
        {isEditable && isOfOtherKind && <ChooseKind {...{ path, written, exec }} onSave={save} />}
        {isText ? (
          <section class="stack" aria-label="Code">
            <div class="section-head">
              <h2>Code</h2>
              <span class="row">
                {isChanged && (
                  <>
                    <NotSaved isKept={isKept} />
                    {earlier === undefined && (
                      <Button kind="plain" onClick={() => setComparing(!isComparing)}>
                        {isComparing ? 'Hide the changes' : 'Show the changes'}
                      </Button>
                    )}
                  </>
                )}
                <CompareWithEarlier {...{ path, earlier }} onChange={setEarlier} />
              </span>
            </div>
            {earlier !== undefined && (
              <EarlierNote {...{ earlier, exec }} {...(isEditable ? { onRestore: restore } : {})} />
            )}
            <CodeEditor
              label={`Code of ${path}`}
              code={code}
              kind={written.kind}
              {...(before === undefined ? {} : { before })}
              isReadOnly={!isEditable}
              onInput={setCode}
              onSave={() => maySave && void save(exec)}
            />
          </section>
        ) : (
          <>
            {may('deploy') && (
              <LostDraft of={path} since="changed" restored={restored} onDiscard={() => end()} />
            )}
            <Opaque path={path} record={record} />
          </>
        )}
        {may('invoke') && <TryFunction path={path} warning={isChanged ? 'Runs what is saved.' : ''} />}
        <ExplainedView loaded={explained} />
        <Latency path={path} />
        <section class="stack" aria-label="Elsewhere">
          <h2>In a terminal</h2>
          <CommandLine text={`ward action invoke ${path} --result`} />
          <CommandLine text={`ward action get ${path} --save`} />
        </section>
      </div>
      {isDeleting && <Delete path={path} onDeleted={() => end()} onClose={() => setDeleting(false)} />}
    </>
  );
}

interface ChooseKindProps {
  readonly path: string;
  /** What the text was written for. */
  readonly written: FunctionExec;
  /** What the function has now. */
  readonly exec: FunctionExec;
  readonly onSave: (as: FunctionExec) => Promise<void>;
}

/** A text of one language would not run as another, so the reader says which it is. */
function ChooseKind({ path, written, exec, onSave }: ChooseKindProps) {
  return (
    <div class="note warn" role="status">
      <p>
        The text in the editor was written for {written.kind}, and {path} is of kind {exec.kind} now. Choose
        how to save it.
      </p>
      <p class="row">
        {[written, exec].map((as) => (
          <Button key={as.kind} onClick={() => void onSave(as)}>
            {`Save as ${as.kind}`}
          </Button>
        ))}
      </p>
    </div>
  );
}

const noText =
  'Somebody has deployed an archive or an image in its place. Your unsaved text is still in the editor.';

function isTextCode({ code, binary }: FunctionExec): boolean {
  return code !== undefined && binary !== true;
}

function execOf({ kind, main }: FunctionExec): Draft['exec'] {
  return { kind, ...(main === undefined ? {} : { main }) };
}

function factsOf(
  { exec, version, updated, limits, annotations }: FunctionRecord,
  network: string | undefined,
): readonly Fact[] {
  const annotation = (key: string) => annotations.find((each) => each.key === key)?.value;
  const minWarm = annotation('min-warm');
  return [
    ['Kind', exec.kind],
    ['Revision', version],
    ['Changed', <Time key="changed" at={updated} />],
    ['Memory', `${limits.memory} MiB`],
    ['Time limit', durationText(limits.timeout)],
    ['Calls per sandbox', countText(limits.concurrency ?? 1)],
    limits.instances === undefined ? undefined : ['Sandboxes at most', countText(limits.instances)],
    limits.cpus === undefined ? undefined : ['Processors', String(limits.cpus)],
    limits.disk === undefined ? undefined : ['Disk', `${limits.disk} MiB`],
    ['Kept warm', typeof minWarm === 'number' ? countText(minWarm) : 'none'],
    annotation('fresh') === true ? ['Sandboxes', 'a fresh one for each call'] : undefined,
    network === undefined ? undefined : ['Network', network],
  ];
}

/** What has no text to edit. */
function Opaque({ path, record: { exec } }: { readonly path: string; readonly record: FunctionRecord }) {
  if (exec.components !== undefined)
    return (
      <section class="stack" aria-label="Parts">
        <h2>Sequence of</h2>
        <ol class="mono breaks">
          {exec.components.map((part, index) => (
            <li key={index}>{part}</li>
          ))}
        </ol>
      </section>
    );
  return (
    <section class="stack" aria-label="Code">
      <h2>{exec.image === undefined ? 'A zip archive' : 'An image'}</h2>
      {exec.image === undefined ? (
        <>
          <p class="quiet">Its files can’t be edited here. Save it, change it, and deploy it again:</p>
          <CommandLine text={`ward action get ${path} --save`} />
          <p class="quiet">What its last change changed:</p>
          <CommandLine text={`ward action diff ${path}`} />
        </>
      ) : (
        <p class="mono">{exec.image}</p>
      )}
    </section>
  );
}

interface DeleteProps {
  readonly path: string;
  readonly onDeleted: () => void;
  readonly onClose: () => void;
}

function Delete({ path, onDeleted, onClose }: DeleteProps) {
  const remove = async () => {
    await deleteFunction(path);
    onDeleted();
    tell(`Deleted ${path}.`);
    goTo(linkTo(['functions']));
  };
  return (
    <Confirm title={`Delete ${path}?`} action="Delete" typed={path} run={remove} onClose={onClose}>
      <p>Its code and its settings go, and nothing brings them back. Its runs stay.</p>
    </Confirm>
  );
}
