#!/bin/sh
# make-certs.sh NAMESPACE SERVER-SECRET CLIENT-SECRET DNS-NAME...
# Makes a CA, a server and a client pair once, and puts them into two secrets. What is there is left alone:
# clients have its CA. The CA's own key goes nowhere; certificates of more clients need a CA of your own.
set -eu
namespace=$1 server=$2 client=$3
shift 3
account=${SERVICE_ACCOUNT_DIR:-/var/run/secrets/kubernetes.io/serviceaccount}
work=${WORK_DIR:-/work}
api=https://${KUBERNETES_SERVICE_HOST}:${KUBERNETES_SERVICE_PORT:-443}/api/v1/namespaces/$namespace/secrets

# The status of the answer; the body is in $work/answer.
call() {
	curl -sS --cacert "$account/ca.crt" -H @"$work/header" -o "$work/answer" -w '%{http_code}' "$@"
}

# encode FILE: its content as a value of a secret
encode() {
	base64 <"$1" | tr -d '\n'
}

# put NAME KEY=FILE...: makes a secret, and replaces one that is there
put() {
	name=$1 data=
	shift
	for pair; do
		data="$data${data:+,}\"${pair%%=*}\":\"$(encode "$work/certs/${pair#*=}")\""
	done
	printf '{"apiVersion":"v1","kind":"Secret","type":"Opaque","metadata":{"name":"%s","labels":{"app.kubernetes.io/part-of":"tiercel"}},"data":{%s}}' \
		"$name" "$data" >"$work/secret"
	status=$(call -X POST -H 'Content-Type: application/json' -d @"$work/secret" "$api")
	[ "$status" != 409 ] ||
		status=$(call -X PUT -H 'Content-Type: application/json' -d @"$work/secret" "$api/$name")
	case $status in
	20[01]) echo "secret $name is made" ;;
	*) echo "secret $name: the API server answered $status: $(cat "$work/answer")" >&2 && exit 1 ;;
	esac
}

umask 077
printf 'Authorization: Bearer %s' "$(cat "$account/token")" >"$work/header"
status=$(call "$api/$server")
case $status in
200) echo "secret $server is there already" && exit 0 ;;
404) ;;
*) echo "secret $server: the API server answered $status: $(cat "$work/answer")" >&2 && exit 1 ;;
esac
tiercel certs "$work/certs" "$@"
cat "$work/certs/server.key" "$work/certs/server.crt" >"$work/certs/falco.pem"
# The server's last: a Job that dies in between finds it missing, and starts over.
put "$client" client.key=client.key client.crt=client.crt ca.crt=ca.crt
put "$server" server.key=server.key server.crt=server.crt ca.crt=ca.crt falco.pem=falco.pem
