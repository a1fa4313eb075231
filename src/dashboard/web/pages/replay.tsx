/** Calls the function of a run again, with its input or another one. */
import { useEffect, useState } from 'preact/hooks';
import { call, inNamespace } from '../api/client.ts';
import { type KeptInput, readKeptInput } from '../api/kept-input.ts';
import { goTo, linkTo } from '../app/router.ts';
import { Button } from '../components/button.tsx';
import { Dialog } from '../components/dialog.tsx';
import { ErrorNote } from '../components/error-note.tsx';
import { TextArea } from '../components/fields.tsx';

interface ReplayProps {
  readonly id: string;
  readonly name: string;
  readonly onClose: () => void;
}

export function Replay({ id, name, onClose }: ReplayProps) {
  const [text, setText] = useState('{}');
  const [kept, setKept] = useState<KeptInput>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const gone = new AbortController();
    readKeptInput(id, gone.signal).then(
      (found) => {
        setKept(found);
        if ('input' in found) setText(JSON.stringify(found.input, null, 2));
      },
      (failure: unknown) => gone.signal.aborted || setError(failure),
    );
    return () => gone.abort();
  }, [id]);
  const run = async () => {
    setError(undefined);
    try {
      const body: unknown = JSON.parse(text);
      const path = inNamespace('/api/v1', 'actions', ...name.split('/'));
      const { activationId } = await call<{ activationId: string }>('POST', path, { body });
      onClose();
      goTo(linkTo(['runs', activationId]));
    } catch (failure) {
      setError(
        failure instanceof SyntaxError ? new Error(`The input is not JSON: ${failure.message}`) : failure,
      );
    }
  };
  return (
    <Dialog title={`Run ${name} again`} onClose={onClose}>
      <TextArea label="Input, as a JSON object" value={text} onInput={setText} rows={10} />
      {kept !== undefined && <AboutInput kept={kept} />}
      {error !== undefined && <ErrorNote error={error} />}
      <div class="row">
        <Button kind="primary" onClick={() => void run()}>
          Run
        </Button>
        <Button onClick={onClose}>Cancel</Button>
      </div>
    </Dialog>
  );
}

/** Says what is known of the input of a run. */
export function AboutInput({ kept }: { readonly kept: KeptInput }) {
  if (kept.is === 'whole') return <p class="quiet">The input of this run.</p>;
  if (kept.is === 'absent')
    return (
      <p class="quiet">Ward kept no input. It keeps those of functions with the annotation capture-input.</p>
    );
  if (kept.is === 'too-long')
    return (
      <p class="note warn">
        The input of this run is missing: it had {kept.length}, and Ward keeps up to 64 KiB.
      </p>
    );
  return (
    <p class="note warn">
      The input of this run, without values that look like secrets, which Ward does not keep. Missing:{' '}
      <code class="breaks">{kept.hidden.join(', ')}</code>
    </p>
  );
}
