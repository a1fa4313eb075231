/** Starts a server with the script of `preload.ts` in it. */
import { readFileSync } from 'node:fs';
import module from 'node:module';
import type { Settings } from './preload.ts';

/** The server can't read the test's files, so it gets the code in its environment. */
const preload = module.stripTypeScriptTypes(readFileSync(new URL('./preload.ts', import.meta.url), 'utf8'));
const loader = `const { Script } = process.getBuiltinModule('node:vm');
  new Script(process.env.WARD_CHAOS_SCRIPT, { filename: 'chaos-preload' }).runInThisContext();`;
const nodeOptions = `--import=data:text/javascript,${encodeURIComponent(loader)}`;

/** Variables for the server's process. */
export function preloadEnv(settings: Settings): NodeJS.ProcessEnv {
  return {
    NODE_OPTIONS: nodeOptions,
    WARD_CHAOS: JSON.stringify(settings),
    WARD_CHAOS_SCRIPT: `(() => {${preload}})()`,
  };
}
