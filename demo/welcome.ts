import type { RunningServer } from './start-server.js'
import { accounts } from './users.js'

export interface Places {
  readonly database: string
  readonly keysFile: string
  readonly refreshSecretFile: string
}

/** What the start-up prints. The lines from REFRESH= to its end can be pasted into a shell as they are. */
export function welcome({ url, isLocal }: RunningServer, { database, keysFile, refreshSecretFile }: Places): string {
  const users = accounts.map(({ username, password }) => `${username} / ${password}`).join(', ')
  const [{ username, password }] = accounts
  const login = JSON.stringify({ username, password, device: { name: 'curl' } })
  const json = `-H 'Content-Type: application/json' -d`
  const logIn = (part: string): string =>
    `$(curl -s ${url}/login ${json} '${login}' | node -pe 'JSON.parse(fs.readFileSync(0)).${part}')`
  const bearer = '-H "Authorization: Bearer $TOKEN"'
  const audience = isLocal ? 'this machine alone; HOST=0.0.0.0 lets others in' : 'every machine that reaches it'
  return `
rollcall demo on ${url}

serves    ${audience}
database  ${database}
keys      ${keysFile}
secret    ${refreshSecretFile}
users     ${users}

Try it (${url}/ names every route). The refresh says "unchanged": its pair is younger than REFRESH_GRACE, 30 s by default.
After REFRESH_GRACE=1s npm start and a second's wait, its line says "rotated":

REFRESH=${logIn('refreshToken')}
curl -sw '\\n' ${url}/auth/refresh ${json} "{\\"refreshToken\\":\\"$REFRESH\\"}"

TOKEN=${logIn('accessToken')}
curl -sw '\\n' ${url}/api/me ${bearer}
curl -sw '\\n' -X POST ${url}/auth/logout-everywhere ${bearer}
`
}
