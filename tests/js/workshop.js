// supabase-js, as npm has it, on a tenant of a template that has everything: functions, and types and relationships
// that the CRM lacks.

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClient } from '@supabase/supabase-js'

import { key, options, url } from './tenant.js'

const client = createClient(url, key, options)

/** What a request that has to work is answered. */
async function done(request, status = 200) {
  const answer = await request
  assert.equal(answer.error, null, JSON.stringify(answer.error))
  assert.equal(answer.status, status)
  return answer
}

/** What a request that has to work has as its data. */
const data = async (request, status) => (await done(request, status)).data

async function refused(request, status, code) {
  const { error, status: told } = await request
  assert.deepEqual([told, error?.code], [status, code], JSON.stringify(error))
  return error
}

await test('what there is', async () => {
  const customers = [
    { name: 'Ann', home: { street: 'Main St 1', city: 'Graz', zip: '8010' }, nicknames: ['A', 'Annie'] },
    { name: 'Bob', profile: { likes: { colour: 'red' }, bikes: 2 }, birthday: '1990-02-28' },
  ]
  const made = await data(client.from('customers').insert(customers, { defaultToNull: false }).select(), 201)
  assert.deepEqual(made[0].home, { street: 'Main St 1', city: 'Graz', zip: '8010' })
  assert.deepEqual([made[0].profile, made[1].nicknames], [{}, []], 'defaults')
  const [ann, bob] = made
  const orders = [
    { customer_id: ann.id, total: 50, status: 'draft' },
    { customer_id: ann.id, total: 150, status: 'placed', past_statuses: ['draft'] },
    { customer_id: bob.id, total: 250, status: 'in work', promised: '[2026-01-01,2026-02-01)' },
  ]
  await done(client.from('orders').insert(orders, { defaultToNull: false }), 201)
})

await test('rpc', async () => {
  assert.equal(await data(client.rpc('add', { a: 2 })), 3, 'a default')
  assert.equal(await data(client.rpc('add', { a: 2 }, { get: true })), 3)
  assert.deepEqual(await data(client.rpc('bump', { n: 2, by: 3 })), { n: 5 })
  await refused(client.rpc('add', { a: 2, b: 3 }), 300, 'PGRST203')
  assert.equal(await data(client.rpc('echo_json', { any: [1, null] })).then(JSON.stringify), '{"any":[1,null]}')
  assert.deepEqual(await data(client.rpc('split_name', { full_name: 'Ann Lee' })), { first: 'Ann', last: 'Lee' })
  assert.deepEqual(await data(client.rpc('numbers', { up_to: 3 })), [1, 2, 3])
  assert.equal(await data(client.rpc('status_of', { order_id: 99 })), null)
  assert.equal(await data(client.rpc('touch'), 204), null)
  assert.equal(await data(client.rpc('total_of', { amounts: [1, 2] })), '3', 'exact')
  assert.deepEqual(await data(client.rpc('home_of', { customer: 1 })), { street: 'Main St 1', city: 'Graz', zip: '8010' })
  await refused(client.rpc('add', { c: 1 }), 404, 'PGRST202')
  await refused(client.rpc('_internal'), 404, 'PGRST202')
  await refused(client.rpc('secret_sum'), 404, 'PGRST202')
})

await test('rpc that gives records', async () => {
  const orders = (options) => client.rpc('orders_of', { customer: 1 }, options)
  assert.deepEqual(await data(orders().select('total').order('total')), [{ total: 50 }, { total: 150 }])
  const embedded = orders().select('total,customers(name)').gt('total', 100).single()
  assert.deepEqual(await data(embedded), { total: 150, customers: { name: 'Ann' } })
  const paged = orders({ get: true }).select('total').order('total').range(1, 1)
  assert.deepEqual(await data(paged), [{ total: 150 }])
  const head = await done(orders({ count: 'exact', head: true }))
  assert.deepEqual([head.data, head.count], [null, 2])
  assert.deepEqual(await data(orders().select('total').eq('status', 'done')), [])
  const csv = await data(orders().select('id,total').order('id').csv())
  assert.deepEqual(csv.trimEnd().split(/\r?\n/), ['id,total', '1,50.00', '2,150.00'])
  assert.equal(await data(orders().eq('total', 1).maybeSingle()), null)
  await refused(orders().single(), 406, 'PGRST116')
  const listed = client.rpc('orders_in', { statuses: ['placed', 'in work'] }).select('id').order('id')
  assert.deepEqual(await data(listed), [{ id: 2 }, { id: 3 }])
})

await test('rpc that writes', async () => {
  const placed = await data(client.rpc('place_order', { customer: 2, first_note: { wish: 'soon' } }).select('status,notes'))
  assert.deepEqual(placed, { status: 'placed', notes: { wish: 'soon' } })
  await refused(client.rpc('place_order', { customer: 2 }, { get: true }), 405, '25006')
  const { count } = await client.from('orders').select('id', { count: 'exact', head: true })
  assert.equal(count, 4)
})

await test('types', async () => {
  const customers = (select) => client.from('customers').select(select).order('id')
  assert.deepEqual(await data(customers('name').contains('nicknames', ['Annie'])), [{ name: 'Ann' }])
  assert.deepEqual(await data(customers('name').contains('profile', { bikes: 2 })), [{ name: 'Bob' }])
  assert.deepEqual(await data(customers('colour:profile->likes->>colour').eq('profile->>bikes', '2')), [{ colour: 'red' }])
  assert.deepEqual(await data(customers('home->>city').eq('name', 'Ann')), [{ city: 'Graz' }])
  assert.deepEqual(await data(customers('name').textSearch('search', 'ann')), [{ name: 'Ann' }])
  assert.deepEqual(await data(customers('name,initials').limit(1)), [{ name: 'Ann', initials: 'A.' }])
  const orders = (select) => client.from('orders').select(select).order('id')
  assert.deepEqual(await data(orders('id').eq('status', 'in work')), [{ id: 3 }])
  assert.deepEqual(await data(orders('id').overlaps('promised', '[2026-01-15,2026-01-16)')), [{ id: 3 }])
  assert.deepEqual(await data(orders('id').rangeLt('promised', '[2027-01-01,2027-02-01)')), [{ id: 3 }])
  assert.deepEqual(await data(orders('total::text').limit(1)), [{ total: '50.00' }])
  await refused(orders('id').eq('status', 'lost'), 400, '22P02')
  await refused(client.from('orders').update({ total_with_tax: 1 }).eq('id', 1), 400, '428C9')
})

await test('relationships', async () => {
  const staff = [{ id: 1, name: 'Max', manager_id: null }, { id: 2, name: 'Eve', manager_id: 1 }]
  await done(client.from('employees').insert(staff), 201)
  const places = [{ id: 1, place: { street: 'S', city: 'Graz', zip: '1' } }, { id: 2, place: { street: 'S', city: 'Linz', zip: '2' } }]
  await done(client.from('addresses').insert(places), 201)
  const changed = client.from('orders').update({ billing_address_id: 1, shipping_address_id: 2 }).eq('id', 1)
  await done(changed, 204)
  const boss = client.from('employees').select('name,boss:manager_id(name)').eq('id', 2).single()
  assert.deepEqual(await data(boss), { name: 'Eve', boss: { name: 'Max' } })
  await refused(client.from('orders').select('addresses(id)'), 300, 'PGRST201')
  const hinted = client
    .from('orders')
    .select('billing:addresses!orders_billing_address_id_fkey(id),shipping:addresses!shipping_address_id(id)')
    .eq('id', 1)
    .single()
  assert.deepEqual(await data(hinted), { billing: { id: 1 }, shipping: { id: 2 } })
  const latest = client.from('customers').select('name,latest_order(id)').eq('name', 'Ann').single()
  assert.deepEqual(await data(latest), { name: 'Ann', latest_order: { id: 2 } })
  const views = client.from('open_orders').select('number,customers(name)').eq('number', 1).single()
  assert.deepEqual(await data(views), { number: 1, customers: { name: 'Ann' } })
})

await test('aggregates', async () => {
  const sums = client.from('orders').select('customer_id,count(),total.sum()').lte('id', 3).order('customer_id')
  assert.deepEqual(await data(sums), [
    { customer_id: 1, count: 2, sum: 200 },
    { customer_id: 2, count: 1, sum: 250 },
  ])
})
