/**
 * Makes the certificates and keys that the TLS tests use, with the `openssl` of
 * the system (3.0 or later), and writes them to `tests/vectors/tls/`.
 *
 *     node scripts/make_test_certificates.mjs
 *
 * They are checked in, so that tests need no openssl; run this only to change
 * them. All are new after a run: the keys of the authorities are not kept.
 */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./runtimes.mjs";

const target = join(root, "tests/vectors/tls");
const folder = mkdtempSync(join(tmpdir(), "sb-tls-"));

/** A hundred years, as `openssl ca` takes dates. */
const VALID = ["20200101000000Z", "21200101000000Z"];
const OVER = ["20200101000000Z", "20210101000000Z"];

const EC = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
const RSA = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];

const AUTHORITY = "basicConstraints=critical,CA:TRUE\n" +
  "keyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n";
const HERE = "DNS:localhost,DNS:server.test,IP:127.0.0.1,IP:::1";

/** @param {string[]} args */
function openssl(...args) {
  execFileSync("openssl", args, {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
}

/** @param {string} name @param {string} text */
function file(name, text) {
  writeFileSync(join(folder, name), text);
}

let serial = 1000;

/**
 * Makes `NAME.key` and `NAME.pem`.
 *
 * @param {string} name
 * @param {object} options
 * @param {string} options.commonName
 * @param {string} options.extensions
 * @param {string} [options.issuer] default: itself
 * @param {string[]} [options.key]
 * @param {string[]} [options.dates]
 */
function certificate(
  name,
  { commonName, extensions, issuer = name, key = EC, dates = VALID },
) {
  openssl("genpkey", ...key, "-out", `${name}.key`);
  openssl(
    ...["req", "-new", "-key", `${name}.key`, "-out", `${name}.csr`],
    ...["-subj", `/O=signalbox tests/CN=${commonName}`],
  );
  file(`${name}.ext`, extensions);
  file(`${name}.index`, "");
  serial += 1;
  file(`${name}.serial`, `${serial}\n`);
  file(
    `${name}.conf`,
    `[ca]\ndefault_ca=one\n[one]\ndatabase=${name}.index\nserial=${name}.serial\n` +
      "new_certs_dir=.\ndefault_md=sha256\npolicy=any\nunique_subject=no\n" +
      "[any]\norganizationName=optional\ncommonName=supplied\n",
  );
  openssl(
    ...["ca", "-batch", "-notext", "-config", `${name}.conf`],
    ...["-in", `${name}.csr`, "-out", `${name}.pem`],
    ...["-extfile", `${name}.ext`],
    ...["-startdate", dates[0] ?? "", "-enddate", dates[1] ?? ""],
    ...["-keyfile", `${issuer}.key`],
    ...(issuer === name ? ["-selfsign"] : ["-cert", `${issuer}.pem`]),
  );
}

/** @param {string} names */
function forServer(names) {
  return "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n" +
    `extendedKeyUsage=serverAuth\nsubjectAltName=${names}\n`;
}

const forClient =
  "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n" +
  "extendedKeyUsage=clientAuth\nsubjectAltName=DNS:client.test\n";

certificate("ca", { commonName: "test authority", extensions: AUTHORITY });
certificate("other_ca", {
  commonName: "other authority",
  extensions: AUTHORITY,
});
certificate("intermediate", {
  commonName: "test intermediate",
  extensions: AUTHORITY,
  issuer: "ca",
});
certificate("server", {
  commonName: "server.test",
  extensions: forServer(HERE),
  issuer: "ca",
});
certificate("server_rsa", {
  commonName: "rsa.test",
  extensions: forServer(`DNS:rsa.test,${HERE}`),
  issuer: "ca",
  key: RSA,
});
certificate("server_chain", {
  commonName: "chain.test",
  extensions: forServer(`DNS:chain.test,${HERE}`),
  issuer: "intermediate",
});
certificate("server_expired", {
  commonName: "server.test",
  extensions: forServer(HERE),
  issuer: "ca",
  dates: OVER,
});
certificate("server_elsewhere", {
  commonName: "elsewhere.test",
  extensions: forServer("DNS:elsewhere.test"),
  issuer: "ca",
});
certificate("server_wildcard", {
  commonName: "*.wild.test",
  extensions: forServer("DNS:*.wild.test"),
  issuer: "ca",
});
certificate("server_stranger", {
  commonName: "server.test",
  extensions: forServer(HERE),
  issuer: "other_ca",
});
certificate("server_self_signed", {
  commonName: "server.test",
  extensions: forServer(HERE),
});
certificate("client", {
  commonName: "client one",
  extensions: forClient,
  issuer: "ca",
});
certificate("client_expired", {
  commonName: "client of old",
  extensions: forClient,
  issuer: "ca",
  dates: OVER,
});
certificate("client_stranger", {
  commonName: "client of another",
  extensions: forClient,
  issuer: "other_ca",
});
openssl(
  ...["pkcs8", "-topk8", "-in", "server.key", "-out", "server_encrypted.key"],
  ...["-v2", "aes-256-cbc", "-passout", "pass:secret"],
);

mkdirSync(target, { recursive: true });
const kept = [
  "ca.pem",
  "other_ca.pem",
  "server_encrypted.key",
  ...[
    ...["server", "server_rsa", "server_expired", "server_elsewhere"],
    ...["server_wildcard", "server_stranger", "server_self_signed"],
    ...["client", "client_expired", "client_stranger"],
  ].flatMap((name) => [`${name}.pem`, `${name}.key`]),
  "server_chain.key",
];
for (const name of kept) {
  writeFileSync(join(target, name), readFileSync(join(folder, name)));
}
writeFileSync(
  join(target, "server_chain.pem"),
  readFileSync(join(folder, "server_chain.pem"), "utf8") +
    readFileSync(join(folder, "intermediate.pem"), "utf8"),
);
rmSync(folder, { recursive: true });
console.log(`${kept.length + 1} files are in tests/vectors/tls`);
