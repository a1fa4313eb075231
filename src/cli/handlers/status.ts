/** `ward status`: whether the server takes calls, as it says itself. */
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
  const meaning = isReady ? 'calls are served' : 'calls are refused for now';
  return { name: 'calls', state: isReady ? 'ready' : 'refused', since: '-', meaning };
}

function recordsOf(recording: JsonObject): Part {
  const { state, since, error } = recording;
  if (state !== 'failing')
    return { name: 'records', state: textOf(state), since: '-', meaning: 'the disk takes records' };
  const meaning = `the disk takes no records (${textOf(error)}): see the log, and the disk of the data folder`;
  return { name: 'records', state: 'failing', since: timeText(since), meaning };
}

function diskOf(state: string): Part {
  const meanings: Readonly<Record<string, string>> = {
    ample: 'there is more room than the reserve',
    short: 'tenants write nothing until there is more room',
    critical: 'tenants write and call nothing until there is more room',
  };
  return { name: 'disk', state, since: '-', meaning: meanings[state] ?? '' };
}
