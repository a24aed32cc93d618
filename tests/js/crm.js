// supabase-js and postgrest-js, as npm has them, on a tenant of the CRM: everything that they do with tables.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { PostgrestClient } from '@supabase/postgrest-js'
import { createClient } from '@supabase/supabase-js'

import { fetch, key, options, url } from './tenant.js'

const client = createClient(url, key, options)
const [email, password] = process.argv.slice(5)

/** What a request that has to work is answered. */
async function done(request, status = 200) {
  const answer = await request
  assert.equal(answer.error, null, JSON.stringify(answer.error))
  assert.equal(answer.status, status)
  return answer
}

/** The error of a request that has to be refused. */
async function refused(request, status, code) {
  const { error, data, status: told } = await request
  assert.deepEqual([told, error?.code, data], [status, code, null], JSON.stringify(error))
  for (const member of ['message', 'details', 'hint']) assert.ok(member in error, member)
  return error
}

const names = (rows) => rows.map((row) => row.first_name)

let companies
let contacts
let tags

await test('insert', async () => {
  const many = [{ name: 'Initech', domain: 'initech.test' }, { name: 'Hooli' }]
  const sparse = await done(client.from('companies').insert(many).select('id,name,domain'), 201)
  companies = sparse.data
  assert.deepEqual(companies.map(({ name, domain }) => [name, domain]), [['Initech', 'initech.test'], ['Hooli', null]])
  const [initech, hooli] = companies
  const people = [
    { first_name: 'Ann', last_name: 'Lee', email: 'ann@initech.test', company_id: initech.id, status: 'customer' },
    { first_name: 'Bob', last_name: 'Ray', email: 'bob@initech.test', company_id: initech.id },
    { first_name: 'Cid', last_name: 'Fox', email: 'cid@hooli.test', company_id: hooli.id },
    { first_name: 'Dee', last_name: 'Moss', email: 'dee@nowhere.test' },
  ]
  contacts = (await done(client.from('contacts').insert(people, { defaultToNull: false }).select(), 201)).data
  assert.deepEqual(names(contacts), ['Ann', 'Bob', 'Cid', 'Dee'])
  assert.equal(contacts[3].status, 'lead', 'a default')
  assert.equal(contacts[0].full_name, 'Ann Lee', 'a generated column')
  const minimal = await done(client.from('tags').insert({ name: 'vip' }), 201)
  assert.equal(minimal.data, null)
  const one = await done(client.from('tags').insert({ name: 'late' }).select('id,name').single(), 201)
  assert.equal(one.data.name, 'late')
  const counted = await done(client.from('tags').insert([{ name: 'new' }], { count: 'exact' }), 201)
  assert.equal(counted.count, 1)
  const link = { contact_id: contacts[0].id, tag_id: one.data.id }
  await done(client.from('contact_tags').insert(link), 201)
  tags = (await done(client.from('tags').select('id,name').order('name'))).data
})

await test('filters', async () => {
  const list = () => client.from('contacts').select('first_name').order('first_name')
  const [initech] = companies
  for (const [request, expected] of [
    [list(), ['Ann', 'Bob', 'Cid', 'Dee']],
    [list().eq('first_name', 'Ann'), ['Ann']],
    [list().neq('first_name', 'Ann'), ['Bob', 'Cid', 'Dee']],
    [list().gt('first_name', 'Bob'), ['Cid', 'Dee']],
    [list().gte('first_name', 'Bob').lt('first_name', 'Dee'), ['Bob', 'Cid']],
    [list().lte('first_name', 'Ann'), ['Ann']],
    [list().like('email', '%initech%'), ['Ann', 'Bob']],
    [list().ilike('email', 'CID@%'), ['Cid']],
    [list().likeAllOf('email', ['%initech%', 'a%']), ['Ann']],
    [list().ilikeAnyOf('email', ['ANN%', 'BOB%']), ['Ann', 'Bob']],
    [list().is('company_id', null), ['Dee']],
    [list().not('company_id', 'is', null), ['Ann', 'Bob', 'Cid']],
    [list().in('first_name', ['Ann', 'Dee', 'a,b', 'x"y', '(z)']), ['Ann', 'Dee']],
    [list().in('id', []), []],
    [list().notIn('first_name', ['Ann', 'Dee']), ['Bob', 'Cid']],
    [list().or('first_name.eq.Ann,and(company_id.is.null,last_name.eq.Moss)'), ['Ann', 'Dee']],
    [list().match({ company_id: initech.id, last_name: 'Ray' }), ['Bob']],
    [list().filter('first_name', 'not.in', '(Ann,Bob)'), ['Cid', 'Dee']],
    [list().isDistinct('company_id', initech.id), ['Cid', 'Dee']],
    [list().contains('tag_ids', [tags[0].id]), ['Ann']],
    [list().containedBy('tag_ids', []), ['Bob', 'Cid', 'Dee']],
    [list().overlaps('tag_ids', tags.map((tag) => tag.id)), ['Ann']],
    [list().regexMatch('first_name', '^[AB]'), ['Ann', 'Bob']],
    [list().regexIMatch('first_name', '^[ab]'), ['Ann', 'Bob']],
    [list().eq('first_name', "'; drop table contacts; --"), []],
  ]) {
    const answer = await done(request)
    assert.deepEqual(names(answer.data), expected, request.url.search)
  }
})

await test('embeds', async () => {
  const people = client.from('contacts')
  const whole = people.select('first_name,company:companies(name)').order('first_name')
  assert.deepEqual((await done(whole)).data, [
    { first_name: 'Ann', company: { name: 'Initech' } },
    { first_name: 'Bob', company: { name: 'Initech' } },
    { first_name: 'Cid', company: { name: 'Hooli' } },
    { first_name: 'Dee', company: null },
  ])
  const inner = people.select('first_name,companies!inner(name)').eq('companies.name', 'Hooli')
  assert.deepEqual((await done(inner)).data, [{ first_name: 'Cid', companies: { name: 'Hooli' } }])
  const within = client
    .from('companies')
    .select('name,contacts(first_name)')
    .order('name', { ascending: false })
    .order('first_name', { referencedTable: 'contacts', ascending: false })
    .limit(1, { referencedTable: 'contacts' })
  assert.deepEqual((await done(within)).data, [
    { name: 'Initech', contacts: [{ first_name: 'Bob' }] },
    { name: 'Hooli', contacts: [{ first_name: 'Cid' }] },
  ])
  const tagged = people.select('first_name,tags(name)').eq('first_name', 'Ann').single()
  assert.deepEqual((await done(tagged)).data, { first_name: 'Ann', tags: [{ name: 'late' }] })
  const none = people.select('first_name,tags()').is('tags', null).order('first_name')
  assert.deepEqual(names((await done(none)).data), ['Bob', 'Cid', 'Dee'])
  const spread = people.select('first_name,...companies(company_name:name)').eq('first_name', 'Cid').single()
  assert.deepEqual((await done(spread)).data, { first_name: 'Cid', company_name: 'Hooli' })
  const counted = client.from('companies').select('name,contacts(count)').eq('name', 'Initech').single()
  assert.deepEqual((await done(counted)).data, { name: 'Initech', contacts: [{ count: 2 }] })
  const ordered = people.select('first_name,companies()').not('companies', 'is', null).order('companies(name)').limit(1)
  assert.deepEqual(names((await done(ordered)).data), ['Cid'])
})

await test('count and range', async () => {
  const people = (options) => client.from('contacts').select('first_name', options)
  const counted = await done(people({ count: 'exact' }).order('first_name').limit(2), 206)
  assert.deepEqual([names(counted.data), counted.count], [['Ann', 'Bob'], 4])
  const all = await done(people({ count: 'exact' }).gt('first_name', 'Bob'))
  assert.deepEqual([all.data.length, all.count], [2, 2])
  const head = await done(people({ count: 'exact', head: true }).eq('first_name', 'Ann'))
  assert.deepEqual([head.data, head.count], [null, 1])
  const nothing = await done(people({ count: 'exact' }).eq('first_name', 'nobody'))
  assert.deepEqual([nothing.data, nothing.count], [[], 0])
  for (const count of ['planned', 'estimated']) {
    const { count: about, error } = await people({ count })
    assert.equal(error, null)
    assert.ok(Number.isInteger(about), `${count}: ${about}`)
  }
  const uncounted = await done(people())
  assert.equal(uncounted.count, null)
  const range = await done(people().order('first_name').range(1, 2))
  assert.deepEqual(names(range.data), ['Bob', 'Cid'])
  const beyond = await done(people().range(10, 19))
  assert.deepEqual(beyond.data, [])
  const where = people({ count: 'exact' }).range(10, 19)
  await refused(where, 416, 'PGRST103')
  const last = await done(people().order('first_name', { ascending: false }).order('id').limit(1))
  assert.deepEqual(names(last.data), ['Dee'])
  const nulls = await done(people().order('company_id', { nullsFirst: true }).limit(1))
  assert.deepEqual(names(nulls.data), ['Dee'])
})

await test('forms', async () => {
  const people = () => client.from('contacts').select('first_name,company_id')
  assert.equal((await done(people().eq('first_name', 'Dee').single())).data.first_name, 'Dee')
  await refused(people().single(), 406, 'PGRST116')
  await refused(people().eq('first_name', 'nobody').single(), 406, 'PGRST116')
  assert.equal((await done(people().eq('first_name', 'nobody').maybeSingle())).data, null)
  assert.equal((await done(people().eq('first_name', 'Dee').maybeSingle())).data.first_name, 'Dee')
  await refused(people().maybeSingle(), 406, 'PGRST116')
  const csv = client.from('contacts').select('first_name,last_name').order('first_name').limit(2).csv()
  assert.deepEqual((await done(csv)).data.trimEnd().split(/\r?\n/), ['first_name,last_name', 'Ann,Lee', 'Bob,Ray'])
  const stripped = people().eq('first_name', 'Dee').stripNulls()
  assert.deepEqual((await done(stripped)).data, [{ first_name: 'Dee' }])
  const one = people().eq('first_name', 'Dee').single().stripNulls()
  assert.deepEqual((await done(one)).data, { first_name: 'Dee' })
  await refused(client.from('contacts').select().geojson(), 406, 'PGRST107')
  await refused(client.from('contacts').select().explain(), 406, 'PGRST107')
})

await test('update', async () => {
  const people = client.from('contacts')
  const silent = await done(people.update({ phone: '1' }).eq('first_name', 'Ann'), 204)
  assert.equal(silent.data, null)
  const told = await done(people.update({ phone: '2' }).eq('first_name', 'Ann').select('phone'))
  assert.deepEqual(told.data, [{ phone: '2' }])
  const counted = await done(people.update({ phone: '3' }, { count: 'exact' }).in('first_name', ['Ann', 'Bob']), 204)
  assert.equal(counted.count, 2)
  const one = people.update({ phone: null }).eq('first_name', 'Bob').select('first_name,phone').single()
  assert.deepEqual((await done(one)).data, { first_name: 'Bob', phone: null })
  const embedded = people.update({ phone: '4' }).eq('first_name', 'Bob').select('phone,companies(name)').single()
  assert.deepEqual((await done(embedded)).data, { phone: '4', companies: { name: 'Initech' } })
  const several = people.update({ phone: '5' }).neq('first_name', 'Ann').select('phone').single()
  await refused(several, 406, 'PGRST116')
  const none = await done(people.update({ phone: '6' }).eq('first_name', 'nobody').select())
  assert.deepEqual(none.data, [])
  await refused(people.update({ phone: '7' }).neq('first_name', 'Ann').maxAffected(1), 400, 'PGRST124')
  const undone = people.update({ phone: '8' }).eq('first_name', 'Ann').select('phone').single().rollback()
  assert.equal((await done(undone)).data.phone, '8')
  const phones = people.select('phone').order('first_name').limit(2)
  assert.deepEqual((await done(phones)).data, [{ phone: '3' }, { phone: '4' }])
})

await test('upsert', async () => {
  const [late, fresh] = tags
  const merged = client.from('tags').upsert({ id: late.id, name: 'too late' }).select('id,name')
  assert.deepEqual((await done(merged)).data, [{ id: late.id, name: 'too late' }])
  const rows = [{ id: late.id, name: 'late' }, { id: fresh.id, name: 'fresh' }]
  const several = client.from('tags').upsert(rows, { onConflict: 'id', count: 'exact' })
  assert.equal((await done(several)).count, 2)
  const link = { contact_id: contacts[0].id, tag_id: late.id }
  const quietly = { onConflict: 'contact_id,tag_id', ignoreDuplicates: true }
  const ignored = client.from('contact_tags').upsert([link, { ...link, tag_id: fresh.id }], quietly).select('tag_id')
  assert.deepEqual((await done(ignored, 201)).data, [{ tag_id: fresh.id }])
  const added = client.from('tags').upsert({ name: 'brand new' }).select('name').single()
  assert.equal((await done(added, 201)).data.name, 'brand new')
})

await test('delete', async () => {
  const silent = await done(client.from('tags').delete().eq('name', 'brand new'), 204)
  assert.equal(silent.data, null)
  const told = client.from('contact_tags').delete({ count: 'exact' }).eq('contact_id', contacts[0].id).select('tag_id')
  const gone = await done(told)
  assert.deepEqual([gone.data.length, gone.count], [2, 2])
  const one = client.from('tags').delete().eq('name', 'vip').select('name').single()
  assert.equal((await done(one)).data.name, 'vip')
  await refused(client.from('tags').delete(), 400, '21000')
})

await test('errors', async () => {
  const table = await refused(client.from('contact').select(), 404, 'PGRST205')
  assert.match(table.hint, /contacts/)
  const column = await refused(client.from('contacts').select('emial'), 400, '42703')
  assert.match(column.hint, /email/)
  await refused(client.from('contacts').select('tasks(id)'), 400, 'PGRST200')
  await refused(client.from('contacts').select().eq('id', 'x'), 400, '22P02')
  await refused(client.from('contacts').insert({ email: 'ANN@initech.test' }), 409, '23505')
  await refused(client.from('contacts').insert({ first_nam: 'x' }), 400, 'PGRST204')
  await refused(client.from('contacts').insert({ first_name: 'x', status: 'friend' }), 422, '23514')
  await refused(client.rpc('no_such_function', { a: 1 }), 404, 'PGRST202')
  await refused(client.schema('other').from('contacts').select(), 406, 'PGRST106')
  await refused(client.from('members').insert({ display_name: 'x' }), 403, '42501')
  const stranger = createClient(url, `${key}x`, options)
  await refused(stranger.from('contacts').select(), 401, 'PGRST301')
  await assert.rejects(async () => client.from('contact').select().throwOnError(), { code: 'PGRST205' })
})

await test('a member signs in', async () => {
  const person = createClient(url, key, options)
  const { data, error } = await person.auth.signInWithPassword({ email, password })
  assert.equal(error, null)
  assert.equal(data.user.email, email)
  const made = await done(person.from('tags').insert({ name: 'mine' }).select('created_by').single(), 201)
  assert.equal(made.data.created_by, `user:${data.user.id}`)
  assert.equal((await person.auth.getUser()).data.user.id, data.user.id)
  assert.equal((await person.auth.signOut()).error, null)
})

await test('postgrest-js by itself', async () => {
  const headers = { apikey: key }
  for (const schema of [undefined, 'public']) {
    const rest = new PostgrestClient(`${url}/rest/v1`, { headers, fetch, schema })
    const answer = await done(rest.from('contacts').select('first_name').eq('first_name', 'Ann'))
    assert.deepEqual(answer.data, [{ first_name: 'Ann' }])
  }
})
