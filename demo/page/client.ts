import { createSessionClient, type SessionClient } from 'rollcall/client'

/** The session of this browser: the server keeps its tokens in cookies. */
export const client: SessionClient = createSessionClient({ mode: 'cookie' })
