/**
 * Calls at a fixed rate, whether earlier calls were answered or not, and measures from the moment at which a call was
 * due: a server that stalls makes all calls of that time slow, not one. It stands for a client on another machine, so
 * start it with a priority above everything else on this one.
 */
import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

export interface ClientOptions {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface ClientResult {
  readonly latenciesMs: readonly number[];
  readonly failed: number;
  /** What went wrong first. */
  readonly failure?: string;
}

const agent = new Agent({ keepAlive: true });

async function callAtRate(options: ClientOptions): Promise<ClientResult> {
  const calls = options.perSecond * options.seconds;
  const everyMs = 1000 / options.perSecond;
  const start = performance.now() + 100;
  const latenciesMs: number[] = [];
  const failures: string[] = [];
  const call = async (due: number) => {
    await new Promise((resolve) => setTimeout(resolve, due - performance.now()));
    const answer = await callOnce(options).catch((error) => String(error));
    latenciesMs.push(performance.now() - due);
    if (answer !== '200') failures.push(answer);
  };
  await Promise.all(Array.from({ length: calls }, (_, at) => call(start + at * everyMs)));
  const [failure] = failures;
  return { latenciesMs, failed: failures.length, ...(failure === undefined ? {} : { failure }) };
}

function callOnce({ url, method, body, headers }: ClientOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, agent, headers: { ...headers } }, (response) => {
      const { statusCode } = response;
      text(response).then((said) => resolve(statusCode === 200 ? '200' : `${statusCode} ${said}`), reject);
    });
    sent.on('error', reject);
    sent.setTimeout(60_000, () => sent.destroy(new Error('no answer within 60 s')));
    sent.end(body);
  });
}

const results = await Promise.all(
  (JSON.parse(process.argv[2] ?? '[]') as readonly ClientOptions[]).map(callAtRate),
);
console.log(JSON.stringify(results));
