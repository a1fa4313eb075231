/** `ward image list --store`, and `ward image delete` of a name without a slash: Ward's own store on this machine. */
import { actAs, formatSize } from '../../lib/index.ts';
import type { Context, Handler } from '../command-spec.ts';
import { localOptions, openServer } from '../local.ts';
import { operatorHere } from '../operator.ts';

export const listStore: Handler = async (input, { io }) => {
  const { imageStoreAdmin } = await openServer();
  const images = await (await imageStoreAdmin(localOptions(input))).list();
  await io.list({
    items: images,
    columns: [
      { title: 'image', cell: ({ name }) => name },
      { title: 'digest', cell: ({ digest }) => digest, isWide: true },
      { title: 'size', cell: ({ sizeBytes }) => formatSize(sizeBytes) },
      { title: 'created', cell: ({ createdAt }) => createdAt.slice(0, 10) },
      { title: 'used by', cell: ({ isOwn, actions }) => (isOwn ? 'Ward' : actions.join(', ')) },
    ],
    name: ({ name }) => name,
  });
  return 0;
};

/** Names in the registry have a slash, names in the store have none. */
export function isStoreName(name: string): boolean {
  return !name.includes('/');
}

export const deleteFromStore: Handler = async (input, { io, env }: Context) => {
  const { imageStoreAdmin, noteByOperator } = await openServer();
  const place = localOptions(input);
  const note = { what: 'delete-image', name: input.required(0) };
  await actAs(operatorHere(env), () => noteByOperator(place, note));
  const admin = await imageStoreAdmin(place);
  const { name, freedBytes } = await admin.delete(input.required(0), input.has('force'));
  io.ok(`deleted ${name} from the store of this machine: freed ${formatSize(freedBytes)}`);
  return 0;
};
