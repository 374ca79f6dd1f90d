// Plays a scenario (JSON on stdin) with @alicloud/pop-core and prints what the caller saw, step by step.
const { RPCClient } = require('@alicloud/pop-core');
const fs = require('fs');

const scenario = JSON.parse(fs.readFileSync(0, 'utf8'));

function client(step) {
  return new RPCClient({
    accessKeyId: step.key || scenario.key,
    accessKeySecret: step.secret || scenario.secret,
    endpoint: `http://${scenario.endpoint}`,
    apiVersion: step.version,
  });
}

// The client flattens lists, but not objects: the newer operations take those as JSON text.
function prepared(step) {
  if (!step.json) return step.parameters;
  return Object.fromEntries(Object.entries(step.parameters)
    .map(([name, value]) => [name, typeof value === 'object' ? JSON.stringify(value) : value]));
}

(async () => {
  const seen = [];
  for (const [number, step] of scenario.steps.entries()) {
    try {
      const method = number % 2 ? 'GET' : 'POST';
      seen.push({ code: '', body: await client(step).request(step.action, prepared(step), { method }) });
    } catch (error) {
      seen.push({ code: error.code, message: error.message, body: error.data });
    }
  }
  console.log(JSON.stringify(seen));
})();
