/** Who looks at files and configurations in the processes of the tests. */
import { passwordInspector } from '../scanner.fixture.ts';
import type { ConfigInspector, FileInspector, InspectorSet } from '../types.ts';

/** With a file that is called `hang` one never ends, and with `die` the process does. */
const trap: FileInspector = {
  name: 'trap',
  revision: '1',
  inspect: ({ path }) => {
    if (path === 'die') process.exit(3);
    while (path === 'hang');
    return [];
  },
};

/** With the user `hang` it never ends. */
const root: ConfigInspector = {
  name: 'root',
  revision: '1',
  inspect: ({ user }) => {
    while (user === 'hang');
    return user === 'root'
      ? [{ class: 'misconfiguration', id: 'root', title: '', severity: 'low', places: [], advice: '' }]
      : [];
  },
};

/** Fails with the user `root`. */
const failing: ConfigInspector = {
  name: 'failing',
  revision: '1',
  inspect: ({ user }) => {
    if (user === 'root') throw new Error('out of order');
    return [];
  },
};

export function inspectorsFor(): InspectorSet {
  return { files: [passwordInspector, trap], config: [failing, root] };
}
