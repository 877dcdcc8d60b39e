import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createClient } from './demo-client.js'
import { startDemo, type Environment } from './demo-process.js'
import { frameworkNames } from './open-app.js'
import { makePlace, type Place } from './place.js'

let place: Place
let environment: Environment
beforeEach(async () => {
  place = await makePlace()
  environment = place.environment
})
afterEach(() => place.remove())

describe.each(frameworkNames)('the demo on %s', (framework) => {
  const given = ['--framework', framework]

  test('a login notes the address of the client, and two Authorization headers are refused', async () => {
    const demo = await startDemo(environment, given)
    const client = createClient(demo.url)
    const { accessToken } = await client.logIn('phone')
    const { sessions } = (await client.body('GET /auth/sessions', accessToken)) as {
      sessions: { device: { ip: string } }[]
    }
    expect(sessions[0]?.device.ip).toBe('127.0.0.1')
    const headers = [accessToken, 'a.b.c'].flatMap((token) => ['-H', `Authorization: Bearer ${token}`])
    const { stdout } = await promisify(execFile)('curl', ['-sw', '\n%{http_code}', ...headers, `${demo.url}/api/me`])
    expect(stdout).toMatch(/"invalid_request".*\n400$/)
    await demo.stop()
  })

  test('bodies are read in chunks, and not beyond 16 KB', async () => {
    const demo = await startDemo(environment, given)
    const login = async (text: string): Promise<number> => {
      const body = new Blob([text]).stream()
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        duplex: 'half',
      } as RequestInit
      return (await fetch(`${demo.url}/login`, init)).status
    }
    const good = JSON.stringify({ username: 'alice', password: 'wonderland' })
    expect(await login(good)).toBe(200)
    expect(await login(good.padEnd(16_385))).toBe(413)
    // Fastify closes the connection with its refusal, whose end a client that still writes may not get to see.
    const answers = framework === 'fastify' ? [413, 'cut'] : [413]
    expect(answers).toContain(await login(good.padEnd(4_000_000)).catch(() => 'cut'))
    expect(await createClient(demo.url).tryLogIn()).toBe('200')
    await demo.stop()
  })

  test.each(['/auth/refresh', '/login'])(
    'a client that hangs up within its body to %s is no error of the server',
    async (path) => {
      const demo = await startDemo(environment, given)
      const started = demo.output()
      const { hostname, port } = new URL(demo.url)
      for (const hangUp of ['destroy', 'resetAndDestroy'] as const) {
        const socket = connect(Number(port), hostname)
        const type = 'Content-Type: application/json'
        socket.write(
          `POST ${path} HTTP/1.1\r\nHost: demo\r\n${type}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
        )
        await once(socket, 'data')
        socket.write('{"refreshToken":', () => socket[hangUp]())
        await once(socket, 'close')
      }
      expect(await createClient(demo.url).tryRefresh('none')).toBe('401 refresh_token_invalid')
      expect(await demo.stop()).toBe(0)
      expect(demo.output()).toBe(started)
    },
  )
})
