/** `ward vex set`, `list`. */
import type { Handler } from '../command-spec.ts';
import { cliFault } from '../faults.ts';
import { localOptions, openServer } from '../local.ts';

export const set: Handler = async (input, { io }) => {
  const paths = input.rest(0);
  if (input.has('none') === paths.length > 0)
    throw cliFault('USAGE', 'give files or a folder, or --none for no documents');
  const { setVex } = await openServer();
  const done = await setVex(localOptions(input), paths);
  const { revision, documents, place, overriddenBy } = done;
  const count = `${documents.length} VEX ${documents.length === 1 ? 'document is' : 'documents are'}`;
  io.ok(`${count} in force in ${place}`);
  if (overriddenBy !== undefined)
    io.note(`the server of this machine still goes by its own files: remove ${overriddenBy}`);
  await io.record({
    fields: [
      ['documents', String(documents.length)],
      ['revision', revision || 'none'],
      ['in', place],
    ],
    name: revision,
    data: done,
  });
  return 0;
};

export const list: Handler = async (input, { io }) => {
  const { vexInForce } = await openServer();
  const { vex, source } = await vexInForce(localOptions(input));
  await io.list({
    items: vex.documents.map((document) => ({ ...document, from: source })),
    columns: [
      { title: 'document', cell: ({ name }) => name, isWhole: true },
      { title: 'statements', cell: ({ statements }) => String(statements) },
      { title: 'from', cell: ({ from }) => from },
    ],
    name: ({ name }) => name,
  });
  return 0;
};
