import { frameworkChoices, type FrameworkName } from './frameworks/index.js'
import type { RunningServer } from './start-server.js'
import { accounts } from './users.js'

/** What it serves with. */
export interface Places {
  readonly framework: FrameworkName
  readonly database: string
  readonly keysFile: string
  readonly refreshSecretFile: string
}

/** What the start-up prints. The lines from REFRESH= to its end can be pasted into a shell as they are. */
export function welcome({ url, isLocal }: RunningServer, places: Places): string {
  const { framework, database, keysFile, refreshSecretFile } = places
  const users = accounts.map(({ username, password }) => `${username} / ${password}`).join(', ')
  const [{ username, password }] = accounts
  const login = JSON.stringify({ username, password, device: { name: 'curl' } })
  const json = `-H 'Content-Type: application/json' -d`
  const logIn = (part: string): string =>
    `$(curl -s ${url}/login ${json} '${login}' | node -pe 'JSON.parse(fs.readFileSync(0)).${part}')`
  const bearer = '-H "Authorization: Bearer $TOKEN"'
  const audience = isLocal
    ? 'this machine alone; HOST=0.0.0.0 lets others in'
    : 'every machine that reaches it, though all know its passwords, and browsers keep its cookies on this one alone (no TLS)'
  return `
rollcall demo on ${url}

serves    ${audience}
framework ${framework} (npm start -- ${frameworkChoices})
database  ${database}
keys      ${keysFile}
secret    ${refreshSecretFile}
users     ${users}

Open ${url} in a browser, and in a second one: log one of them out, and see it happen in the other.

Or try it here (curl ${url}/ names every route). The refresh says "unchanged": its pair is younger than REFRESH_GRACE, 30 s by default. The last
line says "session_ended", since the one before it logged alice out everywhere.

REFRESH=${logIn('refreshToken')}
curl -sw '\\n' ${url}/auth/refresh ${json} "{\\"refreshToken\\":\\"$REFRESH\\"}"

TOKEN=${logIn('accessToken')}
curl -sw '\\n' ${url}/api/me ${bearer}
curl -sw '\\n' -X POST ${url}/auth/logout-everywhere ${bearer}
curl -sw '\\n' ${url}/api/me ${bearer}
`
}
