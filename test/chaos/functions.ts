/** The functions that the load calls and fires. They are deployed once, and each run is counted from outside. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Reply, Ward } from '../ward.ts';
import { alarmMarker } from './evidence.ts';
import { ranInNode, ranInPython } from './tally.ts';

const names = '/api/v1/namespaces/_';
/** Memory of each action. */
export const functionMiB = 128;
const limits = { memory: functionMiB, timeout: 20_000 };

const node = (body: string) => `${ranInNode}
exports.main = async (args) => {
  const marker = args.marker ?? args.body?.marker ?? 'unmarked';
  await ran(marker);
  ${body}
};`;

const plain = node('await new Promise((done) => setTimeout(done, args.ms ?? 5)); return { marker };');
const actions: Readonly<Record<string, string>> = {
  plain,
  again: plain,
  logs: node("for (let n = 0; n < 400; n++) console.log(marker, 'x'.repeat(1000)); return { marker };"),
  large: node("return { marker, text: 'y'.repeat(400_000) };"),
  fails: node("return { error: 'as it was asked to: ' + marker };"),
  exits: node('process.exit(1);'),
  web: node('return { body: { marker } };'),
  conductor: node(
    "return args.isSecond ? { params: { marker } } : { action: 'plain', params: { marker }, state: { isSecond: true, marker } };",
  ),
};
const python = `${ranInPython}
def main(args):
    ran(args['marker'])
    return {'marker': args['marker']}
`;

/** Paths by which the load reaches them. */
export interface Deployed {
  /** Path of the webhook. */
  readonly webhook: string;
}

export async function deployFunctions(ward: Ward): Promise<Deployed> {
  const put = async (path: string, body: object) => {
    const reply = await ward.request('PUT', `${names}/${path}?overwrite=true`, { body });
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
  };
  const annotations: Readonly<Record<string, readonly object[]>> = {
    web: [{ key: 'web-export', value: true }],
    conductor: [{ key: 'conductor', value: true }],
    again: [{ key: 'retry-on-restart', value: true }],
  };
  for (const [name, code] of Object.entries(actions))
    await put(`actions/${name}`, {
      ...{ exec: { kind: 'nodejs:24', code }, limits, annotations: annotations[name] ?? [] },
    });
  await put('actions/python', { exec: { kind: 'python:3.13', code: python }, limits });
  await put('actions/sequence', { exec: { kind: 'sequence', components: ['/_/plain', '/_/plain'] } });
  for (const trigger of ['fired', 'hooked', 'ticks']) {
    await put(`triggers/${trigger}`, {});
    await put(`rules/${trigger}-rule`, { trigger: `/_/${trigger}`, action: '/_/plain' });
  }
  const tick = { cron: '* * * * * *', trigger_payload: { marker: alarmMarker } };
  await makeFeed(ward, 'alarms/alarm', 'ticks', tick);
  const { url } = await makeFeed(ward, 'webhooks/webhook', 'hooked', {});
  return { webhook: new URL(String(url)).pathname };
}

/** Deletes the trigger that fires by itself. */
export async function silenceAlarm(ward: Ward): Promise<void> {
  const { status } = await ward.request('DELETE', `${names}/triggers/ticks`);
  if (status !== 200 && status !== 404) throw new Error(`the alarm's trigger was not deleted: ${status}`);
}

async function makeFeed(ward: Ward, feed: string, trigger: string, params: object) {
  const reply = await ward.request('POST', `/api/v1/namespaces/whisk.system/actions/${feed}?blocking=true`, {
    body: { lifecycleEvent: 'CREATE', triggerName: `/guest/${trigger}`, authKey: ward.auth, ...params },
  });
  const { status, body } = reply.status === 202 ? await recordOf(ward, reply.body.activationId) : reply;
  if (status !== 200) throw new Error(`${feed}: ${status} ${JSON.stringify(body)}`);
  return body.response.result as Readonly<Record<string, unknown>>;
}

/** Duration of a call that outlasts its wait, on a busy machine. */
async function recordOf(ward: Ward, activationId: string): Promise<Reply> {
  for (;;) {
    const reply = await ward.request('GET', `${names}/activations/${activationId}`);
    if (reply.status !== 404) return reply;
    await pause(100);
  }
}
