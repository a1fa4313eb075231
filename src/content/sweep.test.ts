import { openTestStore } from './store.fixture.ts';
import { sweepSuite } from './sweep.suite.ts';

sweepSuite('a sweep, with SQLite and files', openTestStore);
