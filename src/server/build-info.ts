/** What `GET /api/v1` says of this build. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { BuildInfo } from '../api/index.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')));

export const buildInfo: BuildInfo = { build: `ward-${version}`, buildno: version };
