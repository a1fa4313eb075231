/** The registry of readers, one per form. */
import { alpineSecdbReader } from './alpine-secdb.ts';
import { cveRatingsReader } from './cve-ratings.ts';
import { debianTrackerReader } from './debian-tracker.ts';
import { epssReader } from './epss.ts';
import type { Form, FormReader } from './form.ts';
import { kevReader } from './kev.ts';
import { lifecycleReader } from './lifecycle.ts';
import { nodeCoreReader } from './node-core.ts';
import { osvReader } from './osv.ts';
import { rubyAdvisoriesReader } from './ruby-advisories.ts';

export const readers: Readonly<Record<Form, FormReader>> = {
  osv: osvReader,
  'debian-tracker': debianTrackerReader,
  'alpine-secdb': alpineSecdbReader,
  kev: kevReader,
  epss: epssReader,
  'cve-ratings': cveRatingsReader,
  lifecycle: lifecycleReader,
  'node-core': nodeCoreReader,
  'ruby-advisories': rubyAdvisoriesReader,
};
