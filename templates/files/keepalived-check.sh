#!/bin/bash
# Written by slipway. Exit 0 when HAProxy answers and has an API server to offer, unless the machine is to let another
# have the address until the time in {{ .Yield }}.
read -r until 2>/dev/null <{{ .Yield }} && (( until > EPOCHSECONDS )) && exit 1
exec 3<>/dev/tcp/{{ .Host }}/{{ .Port }} || exit 1
printf 'GET /healthz HTTP/1.0\r\n\r\n' >&3
read -r -t 1 status <&3
[[ "$status" == *" 200 "* ]]
