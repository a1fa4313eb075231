/** A program that starts a scan process whose scan never ends, and prints its process id. */
import { filesTar, storedLayer } from '../scanner.fixture.ts';
import { analystInProcesses } from './pool.ts';

const module = new URL('inspectors.fixture.ts', import.meta.url);
const analyst = analystInProcesses({ module }, 60_000);
const { signal } = new AbortController();
const { findings } = await analyst.layer(storedLayer(await filesTar({ pid: '' })), signal);
const endless = analyst.layer(storedLayer(await filesTar({ hang: '' })), signal);
process.stdout.write(`${findings[0]?.title}\n`);
await endless;
