/** A program that starts a process which never comes to an end with what it reads. It says which that is. */
import { filesTar, storedLayer } from '../scanner.fixture.ts';
import { analystInProcesses } from './pool.ts';

const module = new URL('inspectors.fixture.ts', import.meta.url);
const analyst = analystInProcesses({ module }, 60_000);
const { signal } = new AbortController();
const { findings } = await analyst.layer(storedLayer(await filesTar({ pid: '' })), signal);
const endless = analyst.layer(storedLayer(await filesTar({ hang: '' })), signal);
process.stdout.write(`${findings[0]?.title}\n`);
await endless;
