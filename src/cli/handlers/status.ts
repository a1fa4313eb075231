/** `ward status`: whether the server accepts calls, as it reports itself. */
import type { JsonObject } from '../../lib/index.ts';
import type { Handler } from '../command-spec.ts';
import { objectOf, textOf, timeText } from '../entity-fields.ts';

interface Part {
  readonly name: string;
  readonly state: string;
  readonly since: string;
  readonly meaning: string;
}

const busyExitCode = 7;

export const status: Handler = async (_input, context) => {
  const client = await context.client();
  const data = await client.sendForObject({
    method: 'GET',
    root: '',
    path: ['ping'],
    query: { ready: true },
    accepts: [503],
    isPublic: true,
  });
  const isReady = data['ready'] === true;
  const { io } = context;
  await io.list<Part>({
    items: [callsOf(isReady), recordsOf(objectOf(data['recording'])), diskOf(textOf(data['disk']))],
    data,
    columns: [
      { title: 'part', cell: ({ name }) => name },
      { title: 'state', cell: ({ state }) => state },
      { title: 'since', cell: ({ since }) => since },
      { title: 'meaning', cell: ({ meaning }) => meaning },
    ],
    name: ({ name }) => name,
  });
  return isReady ? 0 : busyExitCode;
};

function callsOf(isReady: boolean): Part {
  const meaning = isReady ? 'the server accepts calls' : 'the server refuses calls for now';
  return { name: 'calls', state: isReady ? 'ready' : 'refused', since: '-', meaning };
}

function recordsOf(recording: JsonObject): Part {
  const { state, since, error } = recording;
  if (state !== 'failing')
    return { name: 'records', state: textOf(state), since: '-', meaning: 'records are written to the disk' };
  const meaning = `no records can be written (${textOf(error)}): check the log, and the disk of the data folder`;
  return { name: 'records', state: 'failing', since: timeText(since), meaning };
}

function diskOf(state: string): Part {
  const meanings: Readonly<Record<string, string>> = {
    ample: 'more space is free than the reserve',
    short: 'tenants can’t write until more space is free',
    critical: 'tenants can’t write or call until more space is free',
  };
  return { name: 'disk', state, since: '-', meaning: meanings[state] ?? '' };
}
