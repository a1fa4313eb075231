/** What this build is, and where it is installed. */
import { fileURLToPath } from 'node:url';
import type { BuildInfo } from '../api/index.ts';
import { packageVersion } from '../lib/index.ts';

const version = packageVersion();

/** The answer of `GET /api/v1`. */
export const buildInfo: BuildInfo = { build: `ward-${version}`, buildno: version };

/** The folder that Ward is installed in, without a slash at its end. */
export const checkout = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** The set-up builds the console into it. */
export const consoleFolder = `${checkout}/.cache/console`;
