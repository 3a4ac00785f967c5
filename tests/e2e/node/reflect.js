// SPDX-License-Identifier: Apache-2.0
// reflect.js TARGET VERSION [CA CERT KEY]: lists, describes and calls with what reflection tells, as JSON.
"use strict";

const fs = require("fs");
const grpc = require("@grpc/grpc-js");
const { GrpcReflection } = require("grpc-js-reflection-client");

const [target, version, ...pki] = process.argv.slice(2);
const [ca, cert, key] = pki.map((path) => fs.readFileSync(path));
const credentials = ca ? grpc.credentials.createSsl(ca, key, cert) : grpc.credentials.createInsecure();
const reflection = new GrpcReflection(target, credentials, {}, version);
const keep = { keepCase: true, enums: String, longs: String, defaults: true };

async function client(service) {
  const objects = (await reflection.getDescriptorBySymbol(service)).getPackageObject(keep);
  const made = service.split(".").reduce((from, name) => from[name], objects);
  return new made(target, credentials);
}

function call(service, method, request) {
  return client(service).then(
    (c) =>
      new Promise((resolve, reject) =>
        c[method](request, (error, answer) => (error ? reject(error) : resolve(answer)))
      )
  );
}

async function firstAlerts(count) {
  const stream = (await client("falco.outputs.service")).sub();
  const got = [];
  stream.on("error", () => {});
  stream.write({ follow: true });
  for await (const alert of stream) {
    got.push(alert);
    if (got.length === count) break;
  }
  return got;
}

async function main() {
  const services = await reflection.listServices();
  const methods = {};
  for (const service of services) {
    methods[service] = (await reflection.listMethods(service)).map((m) => m.name);
  }
  const out = {
    services,
    methods,
    version: await call("falco.version.service", "version", {}),
    health: await call("grpc.health.v1.Health", "Check", { service: "falco.outputs.service" }),
    status: await call("tiercel.v1.Tiercel", "Status", {}),
    me: await call("tiercel.v1.Tiercel", "WhoAmI", {}),
    alerts: await firstAlerts(3),
  };
  process.stdout.write(JSON.stringify(out) + "\n", () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
