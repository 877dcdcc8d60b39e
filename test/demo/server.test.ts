import { readdir } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDatabase, isLeftOut, sqlEngineNames, type TestDatabase } from '../support/databases.js'
import { createClient, type DemoClient } from './demo-client.js'
import { startDemo, type DemoProcess } from './demo-process.js'
import { makePlace, type Place } from './place.js'

for (const engine of sqlEngineNames) {
  const title = isLeftOut(engine)
    ? `the demo on ${engine} (left out by ROLLCALL_TEST_WITHOUT)`
    : `the demo on ${engine}`

  describe.skipIf(isLeftOut(engine))(title, () => {
    let database: TestDatabase
    let place: Place
    let servers: [DemoProcess, DemoProcess]

    beforeAll(async () => {
      database = await createDatabase(engine)
      place = await makePlace(engine === 'mariadb' ? database.url.replace(/^mysql:/, 'mariadb:') : database.url)
      // At the same moment, on a database without tables and without keys.
      servers = await Promise.all([startDemo(place.environment), startDemo(place.environment)])
    })

    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()))
      await database.drop()
      await place.remove()
    })

    test('two processes that start at once on an empty database share one set of keys and one secret', async () => {
      const [first, second] = servers.map(({ url }) => createClient(url)) as [DemoClient, DemoClient]
      const published = await first.body('GET /.well-known/jwks.json')
      expect(published).toEqual(await second.body('GET /.well-known/jwks.json'))
      expect(await readdir(place.folder)).toEqual(['keys.json', 'refresh-secret.txt'])
      const { refreshToken } = await first.logIn('phone', 'bob')
      expect(await second.tryRefresh(refreshToken)).toBe('200 unchanged')
    })

    test('one process ends one device, and then every device', async () => {
      const client = createClient(servers[0].url)
      expect(await tryLogouts(client, client)).toEqual(promised)
    })

    test('what one process ends is ended on the other at once', async () => {
      const [first, second] = [createClient(servers[0].url), createClient(servers[1].url)]
      expect(await tryLogouts(first, second)).toEqual(promised)
    })

    test('devices and logouts outlive a restart', async () => {
      const before = await startDemo(place.environment)
      const client = createClient(before.url)
      const [phone, laptop] = [await client.logIn('phone'), await client.logIn('laptop')]
      expect(await client.call('POST /auth/logout', phone.accessToken)).toBe('204')
      expect(await before.stop()).toBe(0)

      const after = await startDemo(place.environment)
      const restarted = createClient(after.url)
      expect(await restarted.call('GET /api/me', phone.accessToken)).toBe('401 session_ended')
      expect(await restarted.call('GET /api/me', laptop.accessToken)).toBe('200')
      expect(await restarted.call('POST /auth/logout-everywhere', laptop.accessToken)).toBe('200')
      expect(await after.stop()).toBe(0)

      expect(await createClient(servers[0].url).call('GET /api/me', laptop.accessToken)).toBe('401 session_ended')
    })
  })
}

/** What three devices of alice and one of bob are answered, after each step. */
const promised = {
  afterLogins: ['200', '200', '200', '200'],
  deleted: '204',
  afterOneLogout: ['200', '401 session_ended', '200', '200'],
  listed: ['phone', 'tablet'],
  loggedOut: { revoked: 2 },
  afterLogoutEverywhere: ['401 session_ended', '401 session_ended', '401 session_ended', '200'],
  afterNewLogin: '200',
}

/** Three logins of one user, one per-device logout and one logout everywhere: asked for here, seen there. */
async function tryLogouts(here: DemoClient, there: DemoClient): Promise<typeof promised> {
  const [phone, laptop, tablet] = [await here.logIn('phone'), await here.logIn('laptop'), await here.logIn('tablet')]
  const devices = [phone, laptop, tablet, await here.logIn('phone', 'bob')]
  const see = (): Promise<string[]> =>
    Promise.all(devices.map(({ accessToken }) => there.call('GET /api/me', accessToken)))

  const afterLogins = await see()
  const deleted = await here.call(`DELETE /auth/sessions/${laptop.sid}`, phone.accessToken)
  const afterOneLogout = await see()
  const list = (await there.body('GET /auth/sessions', phone.accessToken)) as {
    sessions: { device: { name: string } }[]
  }
  const listed = list.sessions.map(({ device }) => device.name).toSorted()
  const loggedOut = (await here.body('POST /auth/logout-everywhere', phone.accessToken)) as { revoked: number }
  const afterLogoutEverywhere = await see()
  const again = await here.logIn('phone')
  const afterNewLogin = await there.call('GET /api/me', again.accessToken)
  await here.call('POST /auth/logout-everywhere', again.accessToken)
  return { afterLogins, deleted, afterOneLogout, listed, loggedOut, afterLogoutEverywhere, afterNewLogin }
}
