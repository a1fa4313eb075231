import { mkdtemp, rm } from 'node:fs/promises';
import { benchRegistry } from './registry.ts';

const folder = await mkdtemp('/tmp/ward-bench-reg-');
try {
  for (const r of await benchRegistry(folder)) console.log(Object.values(r).join(' | '));
} finally {
  await rm(folder, { recursive: true, force: true });
}
