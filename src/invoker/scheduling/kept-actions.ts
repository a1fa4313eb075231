/** Actions that are kept ready, and permission to load their code without a call. */
import type { KeptAction, LoadGrant } from '../../dispatch/index.ts';
import { type Group, grant, grantKey } from './group.ts';

export function keptActions(groups: Iterable<Group>): readonly KeptAction[] {
  return keptGroups(groups).map(({ template }) => {
    const { namespace, action, revision, kind, image, code } = template;
    return { namespace, action, revision, kind, image, code };
  });
}

/** Says for how long which kept actions may be loaded; see `Dispatcher`. */
export function grantLoads(groups: Iterable<Group>, grants: readonly LoadGrant[], forMs: number): void {
  const permissions = new Map(grants.map((each) => [grantKey(each), each.permission]));
  for (const group of keptGroups(groups)) {
    const permission = permissions.get(grantKey(group.template));
    if (permission !== undefined) grant(group, permission, forMs);
  }
}

function keptGroups(groups: Iterable<Group>): readonly Group[] {
  return [...groups].filter(({ minWarm, retired }) => minWarm > 0 && !retired);
}
