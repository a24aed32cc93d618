// What tenants' documents are by a validator that others have written: OpenAPI 3.1 by its official schema, references
// that lead somewhere, JSON Schema 2020-12 in what stands in them. They come on standard input, a list of `[name, document]`.

import assert from 'node:assert/strict'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv2020 from 'ajv/dist/2020.js'

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Every `schema` of a document, wherever it stands, and every component that is one. */
function schemas(document) {
  const inside = (value) => Object.entries(value ?? {}).flatMap(([name, part]) => {
    if (typeof part !== 'object' || part === null) return []
    return name === 'schema' ? [part] : inside(part)
  })
  return [...Object.values(document.components.schemas), ...inside(document.paths), ...inside(document.components)]
}

/** What a reference within the document leads to. */
function followed(document, part) {
  if (part.$ref === undefined) return part
  const keys = part.$ref.slice(2).split('/').map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))
  return keys.reduce((there, key) => there[key], document)
}

for (const [name, document] of JSON.parse(await text(process.stdin))) {
  await test(name, async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document))
    assert.ok(valid, JSON.stringify(errors, null, 1))
    const ajv = new Ajv2020({ strict: false })
    for (const schema of schemas(document)) assert.ok(ajv.validateSchema(schema), JSON.stringify([schema, ajv.errors]))
    // What the schema of OpenAPI cannot say.
    const ids = new Set()
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of METHODS.filter((method) => method in item)) {
        const { operationId, parameters = [] } = item[method]
        assert.ok(!ids.has(operationId), `${operationId} is there twice`)
        ids.add(operationId)
        const all = [...(item.parameters ?? []), ...parameters].map((part) => followed(document, part))
        const places = all.map(({ in: place, name }) => `${place} ${name}`)
        assert.equal(new Set(places).size, places.length, `${method} ${path} has a parameter twice: ${places}`)
        const wanted = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => `path ${name}`)
        assert.deepEqual(places.filter((place) => place.startsWith('path ')), wanted, `${method} ${path}`)
      }
    }
    assert.ok(ids.size > 0)
  })
}
