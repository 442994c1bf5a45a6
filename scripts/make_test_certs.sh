#!/usr/bin/env bash
# Makes the certificates of the tests: a CA, a server and a client of its, and another CA. Valid for 100 years.
set -euo pipefail
cd "$(dirname "$0")/../tests/support"
mkdir -p certs
cd certs
rm -f ./*.pem

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

authority() {
  key "$1_key.pem"
  openssl req -x509 -new -key "$1_key.pem" -subj "/CN=hookferry test $1" -days 36500 -out "$1.pem" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

leaf() {
  key "$1_key.pem"
  openssl req -new -key "$1_key.pem" -subj "/CN=hookferry test $1" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca_key.pem -CAcreateserial -days 36500 -out "$1.pem" \
    -extfile <(printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=%s\nsubjectAltName=%s\n' "$2" "$3") 2>/dev/null
  rm "$1.csr"
}

authority ca
authority other_ca
leaf server serverAuth "DNS:localhost,IP:127.0.0.1"
leaf client clientAuth "DNS:client.test"
rm -f ca.srl ca_key.pem other_ca_key.pem
