import { RollcallError } from '../errors.js'
import { isJson, type HttpRequest } from './request.js'

const maximumBytes = 16 * 1_024

export type JsonObject = Readonly<Record<string, unknown>>

/**
 * The JSON object in a request's body, of at most 16 KB; `null` where there is no body.
 * @throws RollcallError `request_too_large`, `unsupported_media_type`, `invalid_request`
 */
export async function readJson(request: HttpRequest): Promise<JsonObject | null> {
  const text = await readText(request)
  if (text === '') return null
  if (!isJson(request)) throw new RollcallError('unsupported_media_type')
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RollcallError('invalid_request')
  return value as JsonObject
}

/** The same of a member of it. @throws RollcallError `invalid_request` unless it is a text */
export function readString(object: JsonObject | null, name: string): string {
  const value = object?.[name]
  if (typeof value !== 'string') throw new RollcallError('invalid_request')
  return value
}

/** The same of one that may be left out. @throws RollcallError `invalid_request` unless it is `true` or `false` */
export function readOptionalBoolean(object: JsonObject | null, name: string): boolean | undefined {
  const value = object?.[name]
  if (value !== undefined && typeof value !== 'boolean') throw new RollcallError('invalid_request')
  return value
}

/** The fields of a form, of at most 16 KB, each given once (RFC 6749 section 3.2). @throws as {@link readJson} */
export async function readForm(request: HttpRequest): Promise<ReadonlyMap<string, string>> {
  const text = await readText(request)
  const type = request.headers.get('content-type') ?? ''
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) throw new RollcallError('unsupported_media_type')
  const entries = [...new URLSearchParams(text)]
  const fields = new Map(entries)
  if (fields.size < entries.length) throw new RollcallError('invalid_request')
  return fields
}

async function readText({ headers, body }: HttpRequest): Promise<string> {
  if (Number(headers.get('content-length')) > maximumBytes) throw new RollcallError('request_too_large')
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let [text, size] = ['', 0]
  try {
    for await (const chunk of body ?? []) {
      size += chunk.length
      if (size > maximumBytes) throw new RollcallError('request_too_large')
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  } catch (error) {
    // Whatever else ends the reading is the client's connection, or no UTF-8.
    throw error instanceof RollcallError ? error : new RollcallError('invalid_request')
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new RollcallError('invalid_request')
  }
}
