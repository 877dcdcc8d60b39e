import JwtRedis from 'jwt-redis'
import { createClient } from 'redis'
import { startEngine } from '../../test/engines/index.js'
import { jtiOf } from '../fill.js'
import { audience, issuer, secret } from '../tokens.js'
import type { Contender } from './contender.js'
import type { Sample } from '../tokens.js'

const prefix = 'jwt_label:'
const lifetime = 86_400

/** An allowlist in a Redis of its own. Its client sends what many callers ask over one connection. */
export async function openJwtRedis({
  roll,
  sessions,
  tokens,
}: Sample): Promise<Contender & { readonly version: string }> {
  const server = await startEngine('redis', { log: (line) => console.error(line) })
  const client = createClient({ url: server.url })
  await client.connect()
  await fillKeys((script, keys) => client.eval(script, { arguments: keys }), roll.sessions)
  // Its types are of another version of the client; where neither is installed there is nothing to assert.
  // oxlint-disable-next-line typescript/no-unnecessary-type-assertion
  const allowlist = new JwtRedis.default(client as never, { prefix })
  const options = { algorithms: ['HS256' as const], issuer, audience }
  return {
    name: 'jwt-redis',
    version: `Redis ${server.version}`,
    isStrict: true,
    async check(place) {
      const { sub } = await allowlist.verify<{ sub: string; jti: string }>(tokens[place]!, secret, options)
      return sub
    },
    async end(place) {
      await allowlist.destroy(jtiOf(sessions[place]!))
    },
    async close() {
      await client.quit()
      await server.stop()
    },
  }
}

/** What its `sign` writes for each token. */
async function fillKeys(run: (script: string, keys: string[]) => Promise<unknown>, count: number): Promise<void> {
  const script = `for n = tonumber(ARGV[3]), tonumber(ARGV[4]) - 1 do
    redis.call('set', ARGV[1] .. (ARGV[2] + n), 'true', 'EX', ${lifetime}) end`
  const [, text, first] = /^(.*?)(\d+)$/.exec(jtiOf(0))!
  const chunk = 50_000
  for (let start = 0; start < count; start += chunk) {
    await run(script, [prefix + text, first!, String(start), String(Math.min(count, start + chunk))])
  }
}
