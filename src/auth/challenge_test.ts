import assert from "node:assert/strict";
import { bearerChallenge, joinedChallenges } from "./challenge.ts";

Deno.test("bearerChallenge says what is wrong, what is needed and where that is to be had", () => {
  assert.equal(bearerChallenge(undefined), 'Bearer realm="keystone"');
  assert.equal(
    bearerChallenge("invalid_token", { scopes: [] }),
    'Bearer realm="keystone", error="invalid_token"',
  );
  assert.equal(
    bearerChallenge(undefined, { scopes: ["a", "b"], metadataUrl: "https://host/m" }),
    'Bearer realm="keystone", scope="a b", resource_metadata="https://host/m"',
  );
});

Deno.test("joinedChallenges leaves out what another one says as well", () => {
  const [plain, more] = ['Bearer realm="x"', 'Bearer realm="x", scope="a"'];
  assert.equal(joinedChallenges([plain, "Basic", more, plain]), `Basic, ${more}`);
  assert.equal(joinedChallenges([plain, 'Bearer realm="xy"']), `${plain}, Bearer realm="xy"`);
});
