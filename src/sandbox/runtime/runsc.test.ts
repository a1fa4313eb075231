import { describeRuntime } from '../testing/runtime-behaviour.ts';

describeRuntime({ runtime: 'runsc', hasOwnKernel: true });
