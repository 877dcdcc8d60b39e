import type { RunningServer } from './start-server.js'
import { accounts } from './users.js'

/** What the start-up prints. The last three lines can be pasted into a shell as they are. */
export function welcome({ url, isLocal }: RunningServer, database: string, keysFile: string): string {
  const users = accounts.map(({ username, password }) => `${username} / ${password}`).join(', ')
  const [{ username, password }] = accounts
  const login = JSON.stringify({ username, password, device: { name: 'curl' } })
  const readToken = `node -pe 'JSON.parse(fs.readFileSync(0)).accessToken'`
  const bearer = '-H "Authorization: Bearer $TOKEN"'
  const audience = isLocal ? 'this machine alone; HOST=0.0.0.0 lets others in' : 'every machine that reaches it'
  return `
rollcall demo on ${url}

serves    ${audience}
database  ${database}
keys      ${keysFile}
users     ${users}

Try it (${url}/ names every route):

TOKEN=$(curl -s ${url}/login -H 'Content-Type: application/json' -d '${login}' | ${readToken})
curl -sw '\\n' ${url}/api/me ${bearer}
curl -sw '\\n' -X POST ${url}/auth/logout-everywhere ${bearer}
`
}
