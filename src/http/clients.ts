import { checkOptions, checkTexts } from '../options.js'
import type { RequestHead } from './request.js'
import { Refusal } from './refusal.js'

/** A service that may ask about tokens. */
export interface ClientOptions {
  /** 32 or more letters, digits and `-._~` (`openssl rand -hex 32`); two such while one replaces the other. */
  readonly secret: string | readonly string[]
  /** The audiences of which it may learn. Default: all. */
  readonly audience?: string | readonly string[] | undefined
}

export interface Client {
  readonly id: string
  readonly audience: readonly string[] | undefined
}

export interface Clients {
  /**
   * The client that a request proves to be, by HTTP Basic (RFC 6749 section 2.3.1).
   * @throws RollcallError `invalid_client`
   */
  authenticate(request: RequestHead): Promise<Client>
}

interface KnownClient extends Client {
  readonly secrets: readonly string[]
}

/** @throws TypeError for a secret that is short */
export function readClients(options: Readonly<Record<string, ClientOptions>>): Clients {
  const clients = new Map(Object.entries(options).map(([id, client]) => [id, readClient(id, client)]))
  return {
    async authenticate({ headers }) {
      const shown = readBasic(headers.get('authorization'))
      const client = shown && clients.get(shown.id)
      if (!shown || !client) throw refused()
      const matches = await Promise.all(client.secrets.map((secret) => isSame(secret, shown.secret)))
      if (!matches.includes(true)) throw refused()
      return client
    },
  }
}

/** What needs no encoding reads the same to those who encode it (RFC 6749 section 2.3.1) and to the many who don't. */
const plain = /^[\w.~-]+$/

function readClient(id: string, options: ClientOptions): KnownClient {
  checkOptions(`clients.${id}`, options, ['secret', 'audience'])
  const { secret, audience } = options
  const secrets = checkTexts(`clients.${id}.secret`, secret, 255)
  if (!plain.test(id)) throw new TypeError('the id of a client must be letters, digits and -._~')
  if (!secrets.every((entry) => entry.length >= 32 && plain.test(entry)))
    throw new TypeError(`clients.${id}.secret must be 32 or more letters, digits and -._~: openssl rand -hex 32`)
  return {
    id,
    secrets,
    audience: audience === undefined ? undefined : checkTexts(`clients.${id}.audience`, audience, 255),
  }
}

function readBasic(header: string | null): { readonly id: string; readonly secret: string } | null {
  const encoded = /^Basic +([\w+/-]+=*)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return null
  const [, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(decodeBase64(encoded)) ?? []
  return { id, secret }
}

function decodeBase64(encoded: string): string {
  try {
    return atob(encoded)
  } catch {
    return ''
  }
}

/** Of digests, whose comparison tells nothing by its time that could be steered. */
async function isSame(secret: string, shown: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(secret), digest(shown)])
  return left.reduce((difference, byte, at) => difference | (byte ^ right[at]!), 0) === 0
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
}

function refused(): Refusal {
  return new Refusal('invalid_client', { 'WWW-Authenticate': 'Basic realm="rollcall"' })
}
