/** A program that updates one source until it is killed, and reports the progress of its download. */
import { writeSync } from 'node:fs';
import { updateAdvisories } from './update.ts';

const [path = '', url = ''] = process.argv.slice(2);
await updateAdvisories({
  path,
  sources: [{ name: 'a', form: 'osv', url, licence: 'CC0-1.0', maxBytes: 1_000_000_000 }],
  progress: ({ bytes }) => writeSync(1, `${bytes}\n`),
});
