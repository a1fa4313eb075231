/**
 * `ward up --role invoker`: a node that runs actions, without a database, without keys and without a port of its own.
 * It connects to the bus and to API nodes. Jobs come over the bus; code and images come by digest from an API node.
 */
import { mkdir, rm } from 'node:fs/promises';
import { defaultCacheBytes, openCopiedBlobs } from '../../blobs/index.ts';
import { openCluster } from '../../dispatch/index.ts';
import type { Fault, Log } from '../../lib/index.ts';
import { buildInfo } from '../build-info.ts';
import { openAddresses } from '../cluster/api-addresses.ts';
import { openHttpDoor } from '../cluster/http-door.ts';
import { openIdentity } from '../cluster/identity.ts';
import { openNodeDoor } from '../cluster/node-door.ts';
import { takeRuntimeImages } from '../cluster/runtime-images.ts';
import type { Config } from '../config/config.ts';
import { serverFault } from '../faults.ts';
import { storeOfDigests } from '../gate/images.ts';
import { dataPaths, lockDataDir } from '../instance/instance.ts';
import { busPlace } from './bus-place.ts';
import type { JoinRequest } from './cluster-node.ts';
import { createContext } from './context.ts';
import { openDiskReserve } from './disk-reserve.ts';
import { memoryPlan, ownLimit } from './memory-plan.ts';
import { startMemoryWatch } from './memory-watch.ts';
import type { PlatformGround } from './platform-ground.ts';
import { keepReadyFile } from './ready-file.ts';
import { openInvoker, openRuntimeImages } from './sandboxes.ts';

export interface InvokerNode extends AsyncDisposable {
  /** Its name in the cluster. */
  readonly name: string;
  /** Resolves when it is no longer in the cluster, so nothing can give it work. */
  readonly failed: Promise<Fault>;
  waitsFor(): string;
}

/** Only the owner can read code; images are not secret from scans. */
const codeModes = { mode: 0o600, dirMode: 0o700 };

/**
 * @throws Fault DATA_DIR_BUSY, IMAGES_MISSING, ROLE_REFUSED, NODE_NAME_TAKEN, and those of the identity and of the
 * cluster's answers
 */
export async function startInvokerNode(
  config: Config,
  log: Log,
  ground: PlatformGround,
  request: JoinRequest,
): Promise<InvokerNode> {
  await using stack = new AsyncDisposableStack();
  let waitsFor = 'nothing';
  stack.use(ground);
  const paths = dataPaths(config.dataDir);
  stack.use(lockDataDir(config.dataDir));
  // A killed process left it.
  await rm(paths.ready, { force: true });
  const { admitWrite } = stack.use(await openDiskReserve({ file: paths.reserve, ...config.disk, log }));
  const group = ownLimit();
  const { shortBytes } = memoryPlan(group);
  const { isShort } = stack.use(startMemoryWatch({ group, shortBytes, log }));
  const addresses = openAddresses(request.urls);
  const { name } = config.node;
  const door = openHttpDoor(addresses, config.bus);
  const identity = stack.use(
    await openIdentity({ door, folder: paths.cluster, role: 'invoker', name, token: request.token, log }),
  );
  const bus = busPlace(config, identity);
  if (bus === undefined) throw withoutBus();
  const nodes = stack.use(openNodeDoor({ addresses, identity: identity.current, log }));
  const context = createContext(config, log, () => request.urls[0] ?? '');
  await takeRuntimeImages({ door: nodes, imagesDir: config.imagesDir, admitWrite, log });
  const images = stack.use(await openRuntimeImages(context, ground));
  const copies = openCopiedBlobs(config.blobs?.cacheBytes ?? defaultCacheBytes);
  const openCopies = async (place: 'code' | 'registry', dir: string) => {
    await mkdir(dir, { recursive: true, mode: codeModes.dirMode });
    return copies.open(nodes.blobs(place), { dir, ...codeModes, admitWrite });
  };
  const pushed = await openCopies('registry', paths.registry);
  const invoker = stack.use(
    await openInvoker(context, {
      ground,
      images: storeOfDigests(images, pushed, config.imagesDir),
      blobs: await openCopies('code', paths.code),
      isMemoryShort: isShort,
      onApiConnection: ({ socket, namespace }) => nodes.letIn(socket, namespace),
      onViolation: (report) => cluster.violated(report),
    }),
  );
  ground.tell(invoker.violated);
  const cluster = stack.use(
    await openCluster({
      ...bus,
      ...{ role: 'invoker', version: buildInfo.buildno, invoker, log },
      ...{ resultBytes: context.limits.resultBytes, drainMs: config.stop.drainMs },
      // Only nodes with a database are told.
      onViolation: () => {},
    }),
  );
  stack.defer(() => {
    waitsFor = 'running jobs';
  });
  stack.use(keepReadyFile({ file: paths.ready, isReady: () => cluster.isUp(), log }));
  const started = stack.move();
  return {
    name: bus.node,
    failed: Promise.race([identity.ended, cluster.ended]),
    waitsFor: () => waitsFor,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

function withoutBus() {
  return serverFault('ROLE_REFUSED', 'the cluster did not say where its bus is', {
    hint: 'set bus: on the API node that --join names, or on this node',
  });
}
