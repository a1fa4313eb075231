/** The invoker as a dispatcher: directly, and on another node of a cluster. */
import { clusterSuite, dispatchSuite } from '../../dispatch/dispatch.suite.ts';
import { makeInvoker } from './test-invoker.fixture.ts';

dispatchSuite('the invoker', makeInvoker);
clusterSuite('the invoker on another node', makeInvoker);
