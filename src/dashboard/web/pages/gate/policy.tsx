/** Edits the gate's policy, with what the draft would change beside it: for operators. */

import { useEffect, useRef, useState } from 'preact/hooks';
import type { PolicyFile } from '../../../../answers/index.ts';
import { call } from '../../api/client.ts';
import { policyItem } from '../../api/drafts.ts';
import { PageTabs } from '../../app/page-tabs.tsx';
import { Button } from '../../components/button.tsx';
import { CodeEditor } from '../../components/code-editor.tsx';
import { Confirm } from '../../components/confirm.tsx';
import { LoadView } from '../../components/load-view.tsx';
import { tell } from '../../components/messages.ts';
import { PageHead } from '../../components/page-head.tsx';
import { Section } from '../../components/section.tsx';
import { type Loaded, useLoad } from '../../components/use-load.ts';
import { DraftNote, NotSaved, useDraftAt, useKeeping } from '../draft.tsx';
import { PolicyPreviewView, usePreview } from './policy-preview.tsx';

const policyPath = '/ward/v1/operator/policy';
const emptyPolicy = 'form: 1\nrules: {}\n';

export function PolicyPage() {
  const loaded = useLoad((signal) => call<PolicyFile>('GET', policyPath, { signal }), '');
  return <LoadView loaded={loaded}>{(file) => <Editor file={file} reload={loaded.reload} />}</LoadView>;
}

interface EditorProps {
  readonly file: PolicyFile;
  readonly reload: Loaded<unknown>['reload'];
}

function Editor({ file, reload }: EditorProps) {
  const first = file.digest === null ? emptyPolicy : file.text;
  const { restored, end } = useDraftAt(policyItem);
  const [text, setText] = useState(restored?.text ?? first);
  // Until it is read again: a change that nobody has looked at is not overwritten.
  const [begun, setBegun] = useState(restored?.tag);
  const [isAsking, setAsking] = useState(false);
  const isChanged = text !== first;
  // A draft stays when the file was changed elsewhere: then it is compared with the new one.
  const read = useRef(first);
  useEffect(() => {
    if (text === read.current) setText(first);
    read.current = first;
  }, [first]);
  const inForce = file.digest ?? '';
  const tag = begun ?? inForce;
  const draft = { text, name: '', exec: { kind: 'yaml' }, tag };
  const isKept = useKeeping(policyItem, isChanged ? draft : undefined);
  const readAgain = () => {
    setBegun(undefined);
    reload();
  };
  const preview = usePreview(isChanged ? text : undefined);
  const isPolicy = preview?.data?.revision != null;
  return (
    <>
      <PageHead
        title="Policy"
        about={
          <>
            What the gate allows. In force: <code class="breaks">{file.revision.slice(0, 12)}</code>
          </>
        }
      >
        <Button onClick={readAgain}>Read it again</Button>
        {file.readOnly === null && (
          <Button kind="primary" isDisabled={!isPolicy} onClick={() => setAsking(true)}>
            Put it in force…
          </Button>
        )}
      </PageHead>
      <PageTabs of="gate" label="Pages of the gate" />
      <div class="stack sections">
        {file.readOnly !== null && (
          <p class="note breaks">{file.readOnly}. Try changes here, and make them where it is managed.</p>
        )}
        {isChanged && (
          <DraftNote
            of="the policy"
            kind="policy"
            restored={restored}
            since={tag === inForce ? undefined : 'changed'}
            onDiscard={() => {
              end();
              setBegun(undefined);
              setText(first);
            }}
          />
        )}
        <div class="columns">
          <Section title="The policy" actions={isChanged && <NotSaved isKept={isKept} />}>
            {file.digest === null && (
              <p class="quiet">There is none yet. Ward’s own is in force; write here what shall differ.</p>
            )}
            <CodeEditor
              label="The policy"
              code={text}
              kind="yaml"
              {...(isChanged ? { before: first } : {})}
              onInput={setText}
              onSave={() => isPolicy && file.readOnly === null && setAsking(true)}
            />
            <details>
              <summary>Ward’s own policy, with all keys</summary>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long text scrolls, also by keyboard */}
              <pre class="text-block" tabIndex={0}>
                {file.own}
              </pre>
            </details>
          </Section>
          <Section title="What would change">
            <PolicyPreviewView preview={preview} reports={file.reports} />
          </Section>
        </div>
      </div>
      {isAsking && (
        <Confirm
          title="Put this policy in force?"
          action="Put it in force"
          kind="primary"
          onClose={() => setAsking(false)}
          run={async () => {
            await call('PUT', policyPath, { body: { text, before: tag === '' ? null : tag } });
            end(text);
            tell('The policy is in force.');
            readAgain();
          }}
        >
          <p>
            It counts from now on, in a cluster on all nodes, and stored reports are judged again. A node that
            has a file of its own keeps to that: <code>ward node list</code> shows which differ.
          </p>
          {preview?.data !== undefined && preview.data.denied > 0 && (
            <p>{preview.data.denied} verdicts become denials.</p>
          )}
        </Confirm>
      )}
    </>
  );
}
