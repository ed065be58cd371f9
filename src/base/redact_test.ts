import assert from "node:assert/strict";
import { isSecretName, privateKeyLines, redactText } from "./redact.ts";

const SECRET_NAMES = [
  ...[
    "password",
    "passwd",
    "pwd",
    "pass",
    "passphrase",
    "passcode",
    "dbPassword",
    "DB_PASSWORD",
    "pg-password",
  ],
  ...[
    "PGPASSWORD",
    "Pass-Word",
    "smtp_pass",
    "DBPASS",
    "MYSQL_PWD",
    "userPwd",
    "secret",
    "clientSecret",
    "secrets",
  ],
  ...[
    "CLIENTSECRET",
    "client-secret",
    "client.secret",
    "token",
    "accessToken",
    "ACCESS_TOKEN",
    "access-token",
  ],
  ...[
    "accesstoken",
    "githubtoken",
    "X-Auth-Token",
    "refreshTokens",
    "tokens",
    "bearer",
    "oauth2Bearer",
    "Bearer",
  ],
  ...[
    "apiKey",
    "api_key",
    "api-key",
    "APIKEY",
    "x-api-key",
    "OPENAI_API_KEY",
    "openaiApiKey2",
    "privateKey",
    "key",
  ],
  ...[
    "accountKey",
    "encryption_key",
    "STRIPE_KEY",
    "accessKeyId",
    "apiKeys",
    "dsn",
    "SENTRY_DSN",
    "sentryDsn",
  ],
  ...[
    "connectionString",
    "connection_string",
    "CONNECTIONSTRING",
    "ConnStr",
    "otp",
    "OTP",
    "totp",
    "pin",
    "pinCode",
  ],
  ...[
    "authCode",
    "recovery_codes",
    "codeVerifier",
    "auth",
    "basicAuth",
    "Authorization",
    "proxy-authorization",
  ],
  ...[
    "cookie",
    "Set-Cookie",
    "cookies",
    "credentials",
    "cred",
    "creds",
    "signature",
    "sig",
    "jwt",
    "csrfToken",
  ],
  ...["sessionId", "Mcp-Session-Id", "session_key", "mnemonic", "seedPhrase", "args", "argv", "extra_args"],
  ...["tokenValue", "password_hash", "--token", "--api-key", "$token", "headers.authorization"],
];
const HARMLESS_NAMES = [
  ...["progressToken", "progress_token", "PROGRESSTOKEN", "maxTokens", "max_tokens", "max_completion_tokens"],
  ...["tokenCount", "tokenizer", "tokenType", "token_type", "token_endpoint", "passwordPolicy", "authMethod"],
  ...[
    "author",
    "authors",
    "authority",
    "passage",
    "passenger",
    "compass",
    "bypass",
    "pass-through",
    "passed",
  ],
  ...["keyboard", "monkey", "turkey", "keys", "publicKey", "primary_key", "foreignKey", "secretary", "code"],
  ...["arguments", "argument", "name", "value", "session", "sessions", "opinion", "spin", "pinned", "design"],
];

Deno.test("isSecretName knows a secret's name in any spelling", () => {
  for (const name of SECRET_NAMES) assert(isSecretName(name), name);
});

Deno.test("isSecretName takes no other name for one", () => {
  for (const name of HARMLESS_NAMES) assert(!isSecretName(name), name);
  assert(!isSecretName("tokens", 12));
  assert(!isSecretName("totalTokens", "12"));
  assert(!isSecretName(`${"x".repeat(1_000_000)}_password`));
});

/** In each form % is the secret, which may hold anything that the form allows. */
const FORMS = [
  ...["password: %", "password=%", "password = %", "pwd:%", "dbPassword => %", 'config["password"] = "%"'],
  ...['"password":"%"', "'password': '%'", '{"a":1,"password" : "%","b":2}', '\\"password\\":\\"%\\"'],
  ...[
    '\\\\\\"password\\\\\\":\\\\\\"%\\\\\\"',
    '"password":["%"]',
    '"credentials":{"user":"%"}',
    "password: `%`",
  ],
  ...["--token %", "--token=%", "run --api-key '%' --port 3000", '["--token","%"]', "--db-password   %"],
  ...["postgres://u:%@db.example/x", "https://%@github.com/x.git", "redis://:%@cache:6379/0"],
  ...[
    "postgres:\\/\\/u:%@db.example\\/x",
    "amqp://me:p/%@host/",
    "root:%@tcp(db:3306)/x",
    "curl -u me:%@host",
  ],
  ...["Authorization: Bearer %", "authorization: token %", "Cookie: a=b; sid=%", "set-cookie: sid=%; Path=/"],
  ...["Authorization: AWS4-HMAC-SHA256 Credential=x, Signature=%", '["Authorization","Bearer %"]'],
  ...[
    "Bearer %",
    "basic %",
    "https://h/?x=1&access_token=%&y=2",
    "https://h/?sig=%",
    "SENTRY_DSN=%",
    "otp %01234567",
  ],
  ...[
    "Server=x;User=me;Password=%;Database=y",
    "connection string: %",
    "verification code: %",
    "export PGPASSWORD=%",
  ],
  ...["-----BEGIN RSA PRIVATE KEY-----\nx%\n-----END RSA PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\n%"],
  ...["<password>%</password>", "<db:Api-Key>two % words</db:Api-Key>"],
  ...['-----BEGIN EC PRIVATE KEY-----\\n%\\n-----END EC PRIVATE KEY-----\\n"', "mnemonic: one two %"],
];

Deno.test("redactText hides values by the names before them, and credentials by their form", () => {
  for (const form of FORMS) {
    const text = redactText(`shown ${form.replace("%", "hunter2hunter2")}`);
    assert(!text.includes("hunter2"), `${form}: ${text}`);
    assert(text.startsWith("shown ") && text.includes("[REDACTED]"), text);
  }
});

Deno.test("redactText hides keys that tell by their beginning what they are", () => {
  const random = "0a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9";
  const keys = [
    ...[
      `sk-proj-${random}`,
      `sk-ant-api03-${random}`,
      `sk_live_${random}`,
      `ghp_${random}`,
      `ks_0123456789ab_${random}`,
      `github_pat_${random}`,
    ],
    ...[
      `glpat-${random}`,
      `xoxb-12345678901-${random}`,
      "AKIAIOSFODNN7EXAMPLE",
      `AIza${random}`,
      `npm_${random}`,
    ],
    ...[`hf_${random}`, `SG.${random}.${random}`, `123456789:AA${random.slice(0, 33)}`, `whsec_${random}`],
    ...[`eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${random}`, `hooks.slack.com/services/T0/B0/${random}`],
  ];
  for (const key of keys) {
    for (const text of [key, `(${key})`, `got "${key}", bye`, `x=${key}`, `the value ${key} is wrong`]) {
      assert(!redactText(text).includes(key.slice(-12)), redactText(text));
    }
  }
  assert.equal(redactText(`using key ${random} now`), "using key [REDACTED] now");
  assert.equal(redactText(`the token is "${random}"`), 'the token is "[REDACTED]"');
});

Deno.test("redactText leaves the rest of the text as it is", () => {
  assert.equal(
    redactText('{"user":"me","password":"x\\"y","port":1}'),
    '{"user":"me","password":"[REDACTED]","port":1}',
  );
  assert.equal(redactText('"password":"x\\\\","port":1'), '"password":"[REDACTED]","port":1');
  assert.equal(redactText('\\"token\\":\\"a\\\\\\"b\\",\\"c\\":1'), '\\"token\\":\\"[REDACTED]\\",\\"c\\":1');
  assert.equal(redactText("--token abc --port 3000"), "--token [REDACTED] --port 3000");
  assert.equal(redactText("postgres://u:pw@h:5432/db?x=1"), "postgres://[REDACTED]@h:5432/db?x=1");
  assert.equal(redactText("a?token=x&y=2"), "a?token=[REDACTED]&y=2");
  assert.equal(redactText("(password=x), next"), "(password=[REDACTED]), next");
});

Deno.test("redactText shows what only looks like a secret", () => {
  const texts = [
    ...["progressToken: 7", '"progressToken":"abc"', "maxTokens=100", "tokens: 12", '{"max_tokens":4096}'],
    ...[
      "author: Ann",
      "passage: one two",
      "keyboard=qwerty",
      "http://localhost:8000/@scope/x",
      "a@b.example",
    ],
    ...["npm:zod@4.6.7", "npx -y @scope/server@1.2.3", "unexpected token in JSON", "the password is wrong"],
    ...[
      "token expired",
      "--token-count 5",
      "password: null",
      "auth: true",
      "key not found",
      "Mcp-Session-Id header",
    ],
    ...[
      "http://127.0.0.1:8000/mcp",
      "commit 0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
      "required: user, password",
    ],
  ];
  for (const text of texts) assert.equal(redactText(text), text);
});

Deno.test("redactText hides nothing twice", () => {
  for (const form of FORMS) {
    const once = redactText(form.replace("%", "hunter2hunter2"));
    assert.equal(redactText(once).replace(/\[REDACTED\]/g, ""), once.replace(/\[REDACTED\]/g, ""));
  }
});

Deno.test("privateKeyLines hides the lines of a key, and no others", () => {
  const hide = privateKeyLines();
  const lines = [
    "before",
    "-----BEGIN RSA PRIVATE KEY-----",
    "MIIEow",
    "x==",
    "-----END RSA PRIVATE KEY-----",
    "after",
  ];
  assert.deepEqual(lines.map(hide), ["before", ...Array(4).fill("[REDACTED]"), "after"]);
  hide("-----BEGIN PRIVATE KEY-----");
  const endless = Array.from({ length: 300 }, () => hide("no end"));
  assert.deepEqual([endless[0], endless[299]], ["[REDACTED]", "no end"]);
});
