export { type BusAddresses, formatBusAddresses, parseBusAddresses } from './addresses.ts';
export { busFaults } from './faults.ts';
export { openBus } from './open-bus.ts';
export type { Bus, BusIdentity, BusMessage, BusOptions, BusState } from './types.ts';
