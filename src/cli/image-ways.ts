/** How an image gets to where an action finds it, for one that names what is not there. */

/** What a client takes for the name of a host: `docker.io`, `localhost`, `ghcr.io:443`. */
const hostForm = /^(?:localhost|[^/]*[.:][^/]*)\//;

/** Lines for a person. @param namespace the key's, by its real name @param apihost where the server is */
export function waysIn(image: string, action: string, namespace: string, apihost: string): readonly string[] {
  const isOwn = image.startsWith(`${namespace}/`);
  const own = isOwn ? image : `${namespace}/${plainName(image)}`;
  const source = isOwn ? 'oci:DIR' : `docker://${image}`;
  const { host, protocol } = new URL(apihost);
  const flags = protocol === 'http:' ? ' --dest-tls-verify=false' : '';
  return [
    'try:   copy it into the registry of this Ward (docs/registry.md has other clients):',
    `         skopeo copy${flags} --dest-creds "$(ward property get --auth)" ${source} docker://${host}/${own}`,
    ...(isOwn ? [] : [`         ward action update ${action} --docker ${own}`]),
    `       or build one from a folder: ward image build FOLDER --tag ${own} --push`,
    '       ward image list shows what is there',
  ];
}

/** Without the host and who has it there: `docker.io/library/alpine:3` → `alpine:3`. A digest is no name for a copy. */
function plainName(image: string): string {
  const [name = image] = image.replace(hostForm, '').split('@');
  return name.slice(name.lastIndexOf('/') + 1);
}
