// The same with @alicloud/openapi-client, called as its generated clients call it (signature V3).
const OpenApi = require('@alicloud/openapi-client');
const OpenApiUtil = require('@alicloud/openapi-util').default;
const { RuntimeOptions } = require('@alicloud/tea-util');
const fs = require('fs');

const scenario = JSON.parse(fs.readFileSync(0, 'utf8'));

function client(step) {
  return new OpenApi.default(new OpenApi.Config({
    accessKeyId: step.key || scenario.key,
    accessKeySecret: step.secret || scenario.secret,
    endpoint: scenario.endpoint,
    protocol: 'http',
  }));
}

function query(step) {
  if (!step.json) return OpenApiUtil.query(step.parameters);
  return OpenApiUtil.query(Object.fromEntries(Object.entries(step.parameters)
    .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value])));
}

async function call(step) {
  const params = new OpenApi.Params({
    action: step.action, version: step.version, protocol: 'HTTPS', pathname: '/', method: 'POST',
    authType: 'AK', style: 'RPC', reqBodyType: 'formData', bodyType: 'json',
  });
  const { EnhancedParam, ...rest } = step.parameters;
  const parts = { query: query({ ...step, parameters: rest }) };
  if (EnhancedParam) parts.body = OpenApiUtil.query({ EnhancedParam });
  return client(step).callApi(params, new OpenApi.OpenApiRequest(parts), new RuntimeOptions({}));
}

(async () => {
  const seen = [];
  for (const step of scenario.steps) {
    try {
      seen.push({ code: '', body: (await call(step)).body });
    } catch (error) {
      seen.push({ code: error.code, message: error.message });
    }
  }
  console.log(JSON.stringify(seen));
})();
