export { type BusAddresses, formatBusAddresses, parseBusAddresses } from './addresses.ts';
export { busFaults } from './faults.ts';
export { openBus, openBusProbe } from './open-bus.ts';
export type { Bus, BusIdentity, BusMessage, BusOptions, BusProbe, BusState } from './types.ts';
