import assert from "node:assert/strict";
import { Caller } from "../core/caller.ts";
import { IpNetworks } from "../wire/ip_networks.ts";
import { IpFilter } from "./ip_filter.ts";

const NOBODY = new IpNetworks([]);

function connects(filter: IpFilter, address: string): boolean {
  try {
    filter.refuseConnection(address);
    return true;
  } catch (error) {
    assert.match(`${error}`, /Forbidden: this address may not call/);
    return false;
  }
}

Deno.test("IpFilter lets in whom it allows, and nobody whom it denies", () => {
  const filter = new IpFilter({ allow: ["10.0.0.0/8", "fd00::/8"], deny: ["10.6.0.0/16"], proxies: NOBODY });
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "fd00::1"]) {
    assert(connects(filter, address), address);
  }
  for (const address of ["10.6.1.1", "::ffff:10.6.1.1", "127.0.0.1", "::1", "fe80::1", "nonsense"]) {
    assert(!connects(filter, address), address);
  }
  const denying = new IpFilter({ allow: [], deny: ["192.0.2.0/24"], proxies: NOBODY });
  assert.deepEqual(["192.0.2.1", "127.0.0.1"].map((address) => connects(denying, address)), [false, true]);
});

Deno.test("IpFilter lets trusted proxies connect, and judges whom they name, or them where they name nobody", () => {
  const proxies = new IpNetworks(["10.0.0.1"]);
  const filter = new IpFilter({ allow: ["203.0.113.0/24"], deny: [], proxies });
  assert(connects(filter, "10.0.0.1"));
  const asks = (named: string | undefined) => {
    const caller = new Caller({ address: "10.0.0.1", drop: () => {} });
    if (named !== undefined) caller.comesFrom(named);
    return filter.policy(new Request("http://h/"), caller, () => new Response());
  };
  assert(asks("203.0.113.9"));
  for (const named of ["198.51.100.1", undefined]) {
    const logged = `Forbidden: ${named ?? "10.0.0.1"} is not in --allowIp`;
    assert.throws(() => asks(named), { status: 403, logged });
  }
});
