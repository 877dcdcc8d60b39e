import type { IncomingMessage } from 'node:http'

/** The session whose token came along; unverified, for counting. */
export function sidOf({ headers }: IncomingMessage): string | null {
  const bearer = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return ofAccessToken(bearer)
  const cookies = new Map((headers.cookie ?? '').split('; ').map((pair) => pair.split('=', 2) as [string, string]))
  const refresh = cookies.get('__Secure-rollcall-refresh')
  if (refresh !== undefined) return refresh.split('.')[2] ?? null
  const access = cookies.get('__Host-rollcall-access')
  return access === undefined ? null : ofAccessToken(access)
}

function ofAccessToken(token: string): string | null {
  try {
    const { sid } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sid?: string }
    return sid ?? null
  } catch {
    return null
  }
}
