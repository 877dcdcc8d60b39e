import { generateKeyPairSync, sign, X509Certificate, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/memory-store.js'
import { createSessions, type Sessions } from '../../src/sessions.js'
import { generateKeys } from '../../src/tokens/generate-keys.js'
import { createKeyRing } from '../../src/tokens/key-ring.js'
import { codeOf } from '../conformance/harness.js'

const attacker = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const attackerJwk = { ...attacker.publicKey.export({ format: 'jwk' }), kid: 'theirs', alg: 'ES256', use: 'sig' }
let server: Server
let requests = 0
let url: string
let sessions: Sessions
let ownKid: string
let payload: string

beforeAll(async () => {
  server = createServer((_, response) => {
    requests += 1
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: [attackerJwk] }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
  const keys = await generateKeys({ algorithm: 'ES256' })
  ownKid = keys.keys[0]!.kid!
  const names = { issuer: 'https://issuer.example', audience: 'https://api.example' }
  sessions = createSessions({ store: memoryStore(), keys: await createKeyRing(keys), ...names })
  payload = (await sessions.create({ userId: 'alice' })).accessToken.split('.')[1]!
})
afterAll(async () => {
  await sessions.close()
  server.close()
})

/** All of a genuine token but its signature, which is the attacker's, and what its header says about keys. */
function signedByAttacker(header: object): string {
  const body = `${encode({ alg: 'ES256', typ: 'at+jwt', ...header })}.${payload}`
  const signature = sign('sha256', Buffer.from(body), { key: attacker.privateKey, dsaEncoding: 'ieee-p1363' })
  return `${body}.${signature.toString('base64url')}`
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('a token that brings its own key', () => {
  test.each<[string, () => object]>([
    ['jwk', () => ({ jwk: attackerJwk })],
    ['jku', () => ({ jku: url })],
    ['x5u', () => ({ x5u: url })],
    ['x5c', () => ({ x5c: [certificateOf(attacker).toString('base64')] })],
  ])('by %s is refused, under any kid, and nobody is asked for it (ASVS 7.2.1, 9.1.3)', async (_, header) => {
    for (const kid of [ownKid, 'theirs', undefined]) {
      const token = signedByAttacker({ ...header(), kid })
      expect(await codeOf(sessions.verify(token))).toBe('token_invalid')
      expect(await codeOf(sessions.revokeToken(token))).toBe('token_invalid')
    }
    expect(requests).toBe(0)
  })

  test('is one that whoever believes it would accept', async () => {
    const believing = await createKeyRing([...(await generateKeys()).keys, attackerJwk])
    expect(await codeOf(believing.verify('at+jwt', signedByAttacker({ kid: 'theirs' })))).toBe('accepted')
    const certified = new X509Certificate(certificateOf(attacker)).publicKey
    expect(certified.equals(attacker.publicKey)).toBe(true)
  })
})

/** A self-signed certificate (RFC 5280, section 4.1) of names that are empty. */
function certificateOf({ publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject }): Buffer {
  const ecdsaWithSha256 = der(0x30, Buffer.from('06082a8648ce3d040302', 'hex'))
  const validity = der(0x30, der(0x17, Buffer.from('200101000000Z')), der(0x17, Buffer.from('491231235959Z')))
  const name = der(0x30)
  const key = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(0x30, der(0x02, Buffer.from([1])), ecdsaWithSha256, name, validity, name, key)
  const signature = sign('sha256', body, privateKey)
  return der(0x30, body, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
}

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length < 128 ? [content.length] : [0x82, content.length >> 8, content.length & 255]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}
