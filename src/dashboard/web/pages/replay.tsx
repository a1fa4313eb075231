/** Calls the function of a run again, with its input or another one. */
import { useEffect, useState } from 'preact/hooks';
import { ApiError, call, inNamespace } from '../api/client.ts';
import { inputPath } from '../api/runs.ts';
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
  const [about, setAbout] = useState('');
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const gone = new AbortController();
    call<unknown>('GET', inputPath(id), { signal: gone.signal }).then(
      (input) => {
        setText(JSON.stringify(input, null, 2));
        setAbout('The input of this run, without what looks like a secret.');
      },
      (failure: unknown) => {
        if (gone.signal.aborted) return;
        if (failure instanceof ApiError && failure.status === 404)
          setAbout('Ward kept no input. It keeps those of functions with the annotation capture-input.');
        else setError(failure);
      },
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
      {about !== '' && <p class="quiet">{about}</p>}
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
