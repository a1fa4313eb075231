/** A program that only waits for a process that can't start, and prints why it failed. */
import { filesTar, storedLayer } from '../scanner.fixture.ts';
import { analystInProcesses } from './pool.ts';

const analyst = analystInProcesses({ module: new URL('not-there.ts', import.meta.url) }, 60_000);
const { signal } = new AbortController();
const failed = analyst.layer(storedLayer(await filesTar({ a: '' })), signal);
await failed.catch((error) => process.stdout.write(`${error.code} ${error.message}\n`));
