/** Attacks on the machine's other users: by using up what they need too. Each stops shortly past its limit. */
import type { Technique } from '../types.ts';

export const starvation: readonly Technique[] = [
  {
    name: 'fork-bomb',
    vector: 'neighbours',
    title: 'make processes until there are no more to be had',
    reference: 'Documentation/admin-guide/cgroup-v2.rst, pids',
    control: 'pids-limit',
    expects: ['EAGAIN'],
    atMost: { pidsLimit: 64 },
    endsGvisor: true,
    program: `
children = []
try:
    while len(children) <= facts["pidsLimit"]:
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
except OSError as error:
    for child in children: os.kill(child, 9)
    blocked(error, "after %d processes" % len(children))
for child in children: os.kill(child, 9)
escaped("%d processes" % len(children))
`,
  },
];
