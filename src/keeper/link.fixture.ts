import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '../lib/index.ts';
import { sayLine } from './lines.ts';
import { type KeeperLink, linkOver } from './link.ts';

/** Makes a link and the keeper's end of it. */
export async function linked(): Promise<{ link: KeeperLink; keeper: Socket }> {
  const server = createServer().listen(join(tmpdir(), `ward-link-${newId()}`));
  await once(server, 'listening');
  const client = connect(server.address() as string);
  const [keeper] = (await once(server, 'connection')) as [Socket];
  server.close();
  sayLine(keeper, { task: {} });
  return { link: await linkOver(client), keeper };
}
