import { expect, test } from "bun:test";
import { proxyFor } from "./proxy.ts";

const environment = { HTTPS_PROXY: "http://proxy:3128", http_proxy: "plain:8080" };

test.each([
  ["https://registry.example/v2/", environment, "http://proxy:3128/"],
  ["http://registry.example/v2/", environment, "http://plain:8080/"],
  ["https://registry.example/v2/", {}, undefined],
  ["https://127.0.0.1:5000/v2/", environment, undefined],
  ["https://localhost/v2/", environment, undefined],
  ["https://[::1]:5000/v2/", environment, undefined],
  ["https://registry.example/", { ...environment, NO_PROXY: "example" }, undefined],
  ["https://registry.example/", { ...environment, no_proxy: ".example" }, undefined],
  ["https://registry.example/", { ...environment, no_proxy: "*.example" }, undefined],
  ["https://registry.example/", { ...environment, no_proxy: "*" }, undefined],
  ["https://registry.example:5000/", { ...environment, no_proxy: "registry.example:5000" }, undefined],
  ["https://registry.example/", { ...environment, no_proxy: "registry.example:5000" }, "http://proxy:3128/"],
  ["https://myregistry.example/", { ...environment, no_proxy: "registry.example" }, "http://proxy:3128/"],
  ["https://10.1.2.3/", { ...environment, no_proxy: "x, 10.0.0.0/8" }, undefined],
  ["https://[fd00::1]/", { ...environment, no_proxy: "fd00::1" }, undefined],
])("proxyFor(%p) with %p is %p", (url, variables, expected) => {
  expect(proxyFor(new URL(url), variables)?.href).toBe(expected);
});
