/** `ward vault status`, `rotate`: reports of the server room about the keys; never the keys themselves. */
import type { Handler } from '../command-spec.ts';
import type { Input } from '../input.ts';
import { localOptions, openServer } from '../local.ts';

export const status: Handler = async (input, context) => {
  await using admin = await openAdmin(input);
  const report = await admin.status();
  const { io } = context;
  io.note(`keys from ${report.source}`);
  await io.list({
    items: report.keys,
    data: report,
    columns: [
      { title: 'key', cell: ({ id }) => id },
      { title: 'use', cell: ({ use }) => use },
      { title: 'kept', cell: ({ kept }) => String(kept) },
      { title: 'waiting', cell: ({ waiting }) => String(waiting) },
    ],
    name: ({ id }) => id,
  });
  if (report.isPartial) io.note('queues hold more parameters than were counted');
  if (report.clear > 0) io.note(`${report.clear} parameters are not encrypted: ward vault rotate --keep-key`);
  for (const { id, use } of report.keys) {
    if (use === 'missing') io.problem('VAULT_KEY_MISSING', `what key ${id} encrypts can't be read`);
  }
  return report.keys.some(({ use }) => use === 'missing') ? 1 : 0;
};

export const rotate: Handler = async (input, context) => {
  await using admin = await openAdmin(input);
  const done = await admin.rotate({ keepKey: input.has('keepKey') });
  const { io } = context;
  io.ok(`key ${done.newest} encrypts all stored values; ${done.rewritten} were rewritten`);
  if (done.unreadable > 0) io.note(`${done.unreadable} could not be decrypted: see ward vault status`);
  await io.record({
    fields: [
      ['key', done.newest],
      ['rewritten', String(done.rewritten)],
      ['unreadable', String(done.unreadable)],
    ],
    name: done.newest,
    data: done,
  });
  return 0;
};

async function openAdmin(input: Input) {
  const { vaultAdmin } = await openServer();
  return vaultAdmin(localOptions(input));
}
