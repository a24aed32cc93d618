// What no client of PostgREST's knows, on a tenant of the CRM by plain `fetch`: pages by cursor, states of a record, the
// bin, and writes that are sent again.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fetch, key, url } from './tenant.js'

/** What a request is answered, whose status has to be this one. */
async function ask(status, method, path, { body, ...headers } = {}) {
  const init = { method, headers: { apikey: key, ...headers } }
  if (body !== undefined) {
    init.body = JSON.stringify(body)
    init.headers['content-type'] = 'application/json'
  }
  const answer = await fetch(new URL(path, url), init)
  const text = await answer.text()
  assert.equal(answer.status, status, text)
  return { headers: answer.headers, data: text === '' ? null : JSON.parse(text) }
}

const represented = { prefer: 'return=representation' }

await test('every page by its link', async () => {
  const body = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name }))
  await ask(201, 'POST', '/rest/v1/tags', { body })
  const seen = []
  let pages = 0
  let next = '/rest/v1/tags?select=name&order=name&limit=2&cursor='
  while (next !== undefined) {
    const { data, headers } = await ask(200, 'GET', next)
    seen.push(...data.map(({ name }) => name))
    pages += 1
    next = headers.get('link')?.match(/^<([^>]+)>; rel="next"$/)[1]
  }
  assert.deepEqual([seen.join(''), pages], ['abcde', 3])
})

await test('a record that has changed meanwhile', async () => {
  const made = await ask(201, 'POST', '/rest/v1/companies?select=id', { ...represented, body: { name: 'Initech' } })
  const place = `/rest/v1/companies/${made.data[0].id}`
  const first = (await ask(200, 'GET', place)).headers.get('etag')
  await ask(304, 'GET', place, { 'if-none-match': first })
  const changed = await ask(204, 'PATCH', place, { 'if-match': first, body: { domain: 'initech.test' } })
  const second = changed.headers.get('etag')
  assert.notEqual(second, first)
  const late = await ask(412, 'PATCH', place, { 'if-match': first, body: { name: 'Initrode' } })
  assert.equal(late.headers.get('etag'), second)
  assert.equal((await ask(200, 'GET', place)).data.name, 'Initech')
})

await test('to the bin and back', async () => {
  const made = await ask(201, 'POST', '/rest/v1/companies?select=id', { ...represented, body: { name: 'Hooli' } })
  const { id } = made.data[0]
  const bin = '/rest/v1/companies?select=id&deleted=only'
  await ask(204, 'DELETE', `/rest/v1/companies/${id}`)
  await ask(404, 'GET', `/rest/v1/companies/${id}`)
  assert.deepEqual((await ask(200, 'GET', bin)).data, [{ id }])
  await ask(204, 'POST', `/rest/v1/companies/${id}/restore`)
  assert.equal((await ask(200, 'GET', `/rest/v1/companies/${id}`)).data.name, 'Hooli')
  await ask(204, 'DELETE', `/rest/v1/companies/${id}`)
  await ask(204, 'POST', `/rest/v1/companies/${id}/purge`)
  assert.deepEqual((await ask(200, 'GET', bin)).data, [])
})

await test('a write that is sent again', async () => {
  const once = { ...represented, 'idempotency-key': 'order-66', body: { name: 'once' } }
  const first = await ask(201, 'POST', '/rest/v1/tags?select=id', once)
  const again = await ask(201, 'POST', '/rest/v1/tags?select=id', once)
  assert.deepEqual([again.data, again.headers.get('idempotent-replayed')], [first.data, 'true'])
  assert.equal(first.headers.get('idempotent-replayed'), null)
  await ask(422, 'POST', '/rest/v1/tags?select=id', { ...once, body: { name: 'twice' } })
  assert.equal((await ask(200, 'GET', '/rest/v1/tags?name=in.(once,twice)')).data.length, 1)
})
