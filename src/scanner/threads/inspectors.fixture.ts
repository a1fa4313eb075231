/** Who looks at files in the threads of the tests. */
import { passwordInspector } from '../scanner.fixture.ts';
import type { FileInspector } from '../types.ts';

/** With a file that is called `hang` one never ends, and with `die` the thread does. */
export function createFileInspectors(): readonly FileInspector[] {
  const trap: FileInspector = {
    name: 'trap',
    revision: '1',
    inspect: ({ path }) => {
      if (path === 'die') process.exit(3);
      while (path === 'hang');
      return [];
    },
  };
  return [passwordInspector, trap];
}
