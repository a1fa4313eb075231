/** Brings the database to the schema of the new version, before the API nodes of that version start. */
import type { Job } from 'kubernetes-types/batch/v1.js';
import { apiName, unprivilegedContainer, unprivilegedPod, unprivilegedVolumes } from './api.ts';
import { metaOf, selectorOf } from './names.ts';
import { credentialsVolume, storeCredentials } from './secrets.ts';
import type { Settings } from './settings.ts';

export const migrateName = 'ward-migrate';

/** @see scripts/upgrade-database.ts */
const command = ['/opt/ward/node_modules/.bin/node', '/opt/ward/scripts/upgrade-database.ts'];

export function migrateJob(settings: Settings): Job {
  const labels = selectorOf('migrate');
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      ...metaOf(migrateName, settings.namespaces.api, 'migrate'),
      annotations: {
        // An upgrade runs it before it replaces anything; an installation has no namespace before its objects.
        'helm.sh/hook': 'post-install,pre-upgrade',
        'helm.sh/hook-delete-policy': 'before-hook-creation',
      },
    },
    spec: {
      backoffLimit: 5,
      activeDeadlineSeconds: 1800,
      // A Job can't be changed, so an upgrade needs a new one.
      ttlSecondsAfterFinished: 3600,
      template: {
        metadata: { labels },
        spec: {
          ...unprivilegedPod(settings),
          serviceAccountName: apiName,
          restartPolicy: 'Never',
          containers: [
            {
              ...unprivilegedContainer('migrate', settings),
              command,
              resources: { requests: { cpu: '100m', memory: '512Mi' }, limits: { memory: '1Gi' } },
            },
          ],
          volumes: [...unprivilegedVolumes(), credentialsVolume(storeCredentials)],
        },
      },
    },
  };
}
