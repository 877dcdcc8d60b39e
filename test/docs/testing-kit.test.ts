import { afterAll } from 'vitest'
import { openPage } from './open-page.js'

// The suite of `rollcall/testing` as an author of a store calls it: it describes its cases here.
const page = await openPage('docs/databases.md', { 'database.ts': "export { knex } from './sqlite.js'\n" })
await page.load('my-store.test.ts')
afterAll(() => page.close(page.files))
