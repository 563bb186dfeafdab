/**
 * The part of the driver contract that is about TLS.
 *
 * A stream with TLS is a stream like any other once its handshake is done:
 * `open` and `accept` come after it.
 *
 * @module
 */

/**
 * What is wrong with a TLS connection: the `tlsFailure` of an error with the code `tls`.
 *
 * | failure | meaning |
 * | --- | --- |
 * | `untrusted` | the peer's certificate leads to no authority that is trusted |
 * | `wrong-name` | the server's certificate is for another name |
 * | `expired` | a certificate is not valid at this time |
 * | `certificate-required` | the server wants a certificate of the client, which has none |
 * | `certificate-refused` | the peer does not accept our certificate |
 * | `not-tls` | the peer does not speak TLS |
 * | `options` | certificates, keys or other TLS options cannot be used: nothing was sent |
 * | `handshake` | the handshake failed in another way: no version or protocol in common, or it broke off |
 */
export type TlsFailure =
  | "untrusted"
  | "wrong-name"
  | "expired"
  | "certificate-required"
  | "certificate-refused"
  | "not-tls"
  | "options"
  | "handshake";

/** The versions of TLS that are spoken. */
export type TlsVersion = "TLSv1.2" | "TLSv1.3";

/** The certificate that a peer has shown. */
export interface PeerCertificate {
  /** The name that it is for, if it says one: the subject's common name; else `""`. */
  readonly commonName: string;
  /** The subject, as `key=value` lines. */
  readonly subject: string;
  /** The issuer, as `key=value` lines. */
  readonly issuer: string;
  /** The names and addresses that it is valid for, as `"DNS:example.com"` and `"IP Address:127.0.0.1"`. */
  readonly subjectAltNames: readonly string[];
  /** The first moment at which it is valid, in milliseconds since 1970. */
  readonly validFromMs: number;
  /** The last moment at which it is valid, in milliseconds since 1970. */
  readonly validToMs: number;
  /** In hexadecimal digits. */
  readonly serialNumber: string;
  /** The SHA-256 of `raw`, in upper-case hexadecimal digits with colons. */
  readonly fingerprint256: string;
  /** The certificate itself (X.509, DER). */
  readonly raw: Uint8Array;
}

/** What a TLS handshake agreed on. */
export interface TlsSession {
  /** The version spoken. */
  readonly version: TlsVersion;
  /** The name of the cipher suite. */
  readonly cipher: string;
  /** The protocol agreed on by ALPN (RFC 7301); `""` for none. */
  readonly alpnProtocol: string;
  /** The name that the client asked for (SNI, RFC 6066); `""` for none. */
  readonly serverName: string;
  /** The peer's certificate, verified unless verification was turned off; undefined if it showed none. */
  readonly peerCertificate: PeerCertificate | undefined;
}

/** A certificate and its key, both as PEM. */
export interface TlsIdentity {
  /** The certificate, followed by those of the authorities between it and the root. */
  readonly certificate: string;
  /** The private key, not encrypted. */
  readonly key: string;
}

/** How a stream connects with TLS. The adapter has checked the options. */
export interface TlsConnectRequest {
  /** The name that the server's certificate must be for, sent as SNI unless it is an IP address. */
  readonly serverName: string;
  /** The authorities that are trusted, as PEM; undefined for those of the runtime. */
  readonly ca: readonly string[] | undefined;
  /** The certificate shown to a server that asks for one. */
  readonly identity: TlsIdentity | undefined;
  /** What is offered by ALPN, the preferred first; none if empty. */
  readonly alpnProtocols: readonly string[];
  /** The lowest version that is spoken. */
  readonly minVersion: TlsVersion;
  /** Whether the server's certificate is verified. */
  readonly isVerified: boolean;
  /** How long the handshake may take once the stream is there, in milliseconds; 0 for no limit. */
  readonly handshakeTimeoutMs: number;
}

/** How streams are accepted with TLS. The adapter has checked the options. */
export interface TlsListenRequest {
  /** The certificate shown to clients that ask for no name of `identities`. */
  readonly identity: TlsIdentity;
  /** Other certificates, by the name that the client asks for (`"example.com"`, `"*.example.com"`). */
  readonly identities: ReadonlyMap<string, TlsIdentity>;
  /** The authorities of clients' certificates, as PEM; undefined for those of the runtime. */
  readonly ca: readonly string[] | undefined;
  /** Whether clients are asked for a certificate, and refused without one. */
  readonly clientCertificate: "none" | "optional" | "required";
  /** What is accepted by ALPN, the preferred first; none if empty. */
  readonly alpnProtocols: readonly string[];
  /** The lowest version that is spoken. */
  readonly minVersion: TlsVersion;
  /** How long a handshake may take, in milliseconds; 0 for no limit. */
  readonly handshakeTimeoutMs: number;
  /** How many handshakes may be under way at once; more connections are refused. */
  readonly maxHandshakes: number;
}
