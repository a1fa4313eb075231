/** Load from wrk (Debian's package). It is written in C, so it leaves the processors to what is measured. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun } from '../src/lib/index.ts';

export interface Load {
  readonly url: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  readonly seconds: number;
  /** Each connection waits so long after an answer. */
  readonly pauseMs?: number | undefined;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  readonly failed: number;
}

/** The script prints its own report, since wrk's rounds the figures. Latencies are in µs. */
const report = `
done = function(summary, latency, requests)
  local failed = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('{"perSecond":%f,"p50Ms":%f,"p99Ms":%f,"requests":%d,"failed":%d}\\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.requests, failed))
end`;

export async function putLoad(load: Load, folder: string): Promise<LoadResult> {
  const headers = { 'content-type': 'application/json', ...load.headers };
  const script = [
    `wrk.method = 'POST'`,
    `wrk.body = ${JSON.stringify(load.body)}`,
    ...Object.entries(headers).map(
      ([name, value]) => `wrk.headers[${JSON.stringify(name)}] = ${JSON.stringify(value)}`,
    ),
    ...(load.pauseMs === undefined ? [] : [`function delay() return ${load.pauseMs} end`]),
    report,
  ].join('\n');
  const file = join(folder, `load-${randomUUID()}.lua`);
  await writeFile(file, script);
  const output = await mustRun(
    ['wrk', '-t1', `-c${load.connections}`, `-d${load.seconds}s`, '--timeout', '30s', '-s', file, load.url],
    { timeoutMs: (load.seconds + 60) * 1000 },
  );
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}
