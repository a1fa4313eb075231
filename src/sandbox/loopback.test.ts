import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { connectThrough } from './loopback.ts';

const isRoot = process.geteuid?.() === 0;
const nobody = 65534;

test.skipIf(!isRoot)(
  `a connection waits until the relay’s socket has its mode${isRoot ? '' : ' (needs root)'}`,
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ward-loopback-'));
    const path = join(folder, 'port');
    const server = createServer((socket) => socket.destroy());
    onTestFinished(async () => {
      process.seteuid?.(0);
      server.close();
      await rm(folder, { recursive: true });
    });
    await chmod(folder, 0o755);
    server.listen(path);
    await once(server, 'listening');
    // This is the state between socat's bind(2) and chmod(2).
    await chmod(path, 0o755);
    process.seteuid?.(nobody);
    const said = () => {
      process.seteuid?.(0);
      chmodSync(path, 0o666);
      process.seteuid?.(nobody);
      return undefined;
    };
    (await connectThrough({ path, said }, () => false)).destroy();
  },
);
