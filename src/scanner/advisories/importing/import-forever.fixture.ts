/** A program that imports until it is killed, and reports when it is half-way through a file. */
import { writeSync } from 'node:fs';
import { runImport } from './run.ts';

const [path = '', file = ''] = process.argv.slice(2);
let told = false;

for (;;) {
  const inputs = [{ path: file, source: 'big' }];
  await runImport({ path, inputs, forget: [], unchanged: [] }, ({ stage, records }) => {
    if (stage === 'read' && records > 1000 && !told) {
      told = true;
      writeSync(1, 'half-way\n');
    }
  });
}
