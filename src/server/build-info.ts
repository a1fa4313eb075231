/** What `GET /api/v1` says of this build. */
import type { BuildInfo } from '../api/index.ts';
import { packageVersion } from '../lib/index.ts';

const version = packageVersion();

export const buildInfo: BuildInfo = { build: `ward-${version}`, buildno: version };
