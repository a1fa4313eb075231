/** `ward namespace list --all`: an operator's command on the data of this machine. */
import { formatSize } from '../../lib/index.ts';
import type { NamespaceOverview } from '../../server/index.ts';
import type { Handler } from '../command-spec.ts';
import { timeText } from '../entity-fields.ts';
import { localOptions, openServer } from '../local.ts';
import { refuseOtherServer } from '../other-server.ts';

const most = 200;

export const overview: Handler = async (input, { io, env }) => {
  refuseOtherServer('namespace list --all', input, env);
  const limit = input.integer('limit', { max: most }) ?? 30;
  const skip = input.integer('skip') ?? 0;
  const { namespaceAdmin } = await openServer();
  await using admin = await namespaceAdmin(localOptions(input));
  const { total, namespaces } = await admin.overview({ skip, limit: limit === 0 ? most : limit });
  await io.list<NamespaceOverview>({
    items: namespaces,
    data: { total, namespaces },
    columns: [
      { title: 'namespace', cell: ({ name }) => name },
      { title: 'last use', cell: ({ lastUsedAt }) => (lastUsedAt === null ? '-' : timeText(lastUsedAt)) },
      { title: 'actions', cell: ({ actions }) => String(actions), align: 'right' },
      { title: 'code', cell: ({ disk }) => sizeText(disk.codeBytes + disk.entityBytes), align: 'right' },
      { title: 'records', cell: ({ records }) => String(records), align: 'right' },
      { title: 'size', cell: ({ disk }) => sizeText(disk.recordBytes), align: 'right' },
      { title: 'registry', cell: ({ disk }) => sizeText(disk.registryBytes), align: 'right' },
      { title: 'a minute', cell: ({ limits }) => String(limits.invocationsPerMinute), align: 'right' },
      { title: 'at once', cell: ({ limits }) => String(limits.concurrentInvocations), align: 'right' },
      { title: 'fires', cell: ({ limits }) => String(limits.firesPerMinute), align: 'right', isWide: true },
      { title: 'kinds', cell: ({ limits }) => limits.allowedKinds?.join(',') ?? 'all', isWide: true },
      { title: 'created', cell: ({ createdAt }) => timeText(createdAt), isWide: true },
    ],
    name: ({ name }) => name,
  });
  const shown = skip + namespaces.length;
  if (shown < total) io.note(`${total - shown} more of ${total}: --skip ${shown}`);
  return 0;
};

function sizeText(bytes: number): string {
  return bytes === 0 ? '-' : formatSize(bytes);
}
