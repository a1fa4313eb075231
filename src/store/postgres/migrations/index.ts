/** The migrations of PostgreSQL. The first has all that SQLite's came to; from there on each change is in both lists. */
import type { Migrations } from '../../migrations/index.ts';
import * as schema from './0001-schema.ts';

export const postgresMigrations: Migrations = { '0001-schema': schema };
