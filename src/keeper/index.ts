/** The keeper: the only process with privileges, and how the server asks it for sandboxes, mounts and folders. */
export { type KeptCode, openKeptCode } from './code-places.ts';
export { keep } from './keeper.ts';
export { openKeptHost } from './kept-host.ts';
export { openKeptMounter, openKeptPlaces } from './kept-places.ts';
export { startKeptScan } from './kept-streams.ts';
export { sayLine } from './lines.ts';
export { type KeeperLink, keeperDescriptor, linkOver, openLink } from './link.ts';
export {
  findWalls,
  isServer,
  type ServerProcessPlan,
  serverArgv,
  serverMark,
} from './server-process.ts';
export { openStreamDoor } from './stream-door.ts';
export {
  type Answers as TakenOverAnswers,
  makeTargets,
  type Targets,
  tryAsRoot,
  tryAsTakenOver,
  wasHeld,
} from './taken-over.ts';
export { givenLayer, type Hello } from './wire.ts';
