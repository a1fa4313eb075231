/** Every part, in the order of the attack. */
import { archives } from './parts/archives.ts';
import { channel } from './parts/channel.ts';
import { documents } from './parts/documents.ts';
import { logs } from './parts/logs.ts';
import { routes } from './parts/routes.ts';
import { sandboxes } from './parts/sandboxes.ts';
import { settings } from './parts/settings.ts';
import { sockets } from './parts/sockets.ts';
import type { Part } from './types.ts';

export const parts: readonly Part[] = [
  ...[channel, logs, archives, settings, documents],
  ...[routes, sockets, sandboxes],
];
