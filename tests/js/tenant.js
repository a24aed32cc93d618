// A tenant's address as clients know it. Names under its domain are in no DNS, so requests go to the port that the
// test listens on, and say in `Host` whom they are for.

import http from 'node:http'

const [port, host, key] = process.argv.slice(2)

export const url = `http://${host}`
export { key }

/** What `createClient` is told. It wants WebSockets at once, which Node.js has since 22; nothing here opens one. */
export const options = {
  auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
  global: { fetch },
  realtime: { transport: class {} },
}

/** `fetch` by way of the port. */
export async function fetch(input, init) {
  const asked = new Request(input, init)
  const to = new URL(asked.url)
  const body = Buffer.from(await asked.arrayBuffer())
  const headers = { ...Object.fromEntries(asked.headers), host: to.host }
  if (body.length > 0) headers['content-length'] = body.length
  const options = { host: '127.0.0.1', port, method: asked.method, path: to.pathname + to.search, headers }
  return new Promise((resolve, reject) => {
    const request = http.request(options, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const { statusCode: status, statusMessage: statusText } = answer
        const isEmpty = status === 204 || status === 304
        const headers = Object.entries(answer.headers).map(([name, value]) => [name, String(value)])
        resolve(new Response(isEmpty ? null : Buffer.concat(chunks), { status, statusText, headers }))
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}
